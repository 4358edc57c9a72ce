import json
import sys
import time

from celery_tasks import add, app

count = int(sys.argv[1])
with app.producer_pool.acquire(block=True) as producer:
    add.apply_async((0, 0), producer=producer)
    started = time.perf_counter()
    for index in range(count):
        add.apply_async((index, index), producer=producer, ignore_result=True)
    seconds = time.perf_counter() - started
print(json.dumps({"rate": count / seconds}))

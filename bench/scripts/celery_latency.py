import json
import sys
import time

from celery_tasks import now

latencies = []
for _ in range(int(sys.argv[1])):
    called = time.monotonic() * 1000
    latencies.append(now.delay().get(timeout=20) - called)
print(json.dumps({"latencies": latencies}))

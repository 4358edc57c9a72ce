import os
import time

from celery import Celery
from celery.signals import worker_ready

app = Celery("tasks", broker=os.environ["BENCH_BROKER"], backend=os.environ.get("BENCH_BACKEND"))
app.conf.worker_prefetch_multiplier = 4
app.conf.broker_connection_retry_on_startup = True
if os.environ.get("BENCH_CONFIRM"):
    app.conf.broker_transport_options = {"confirm_publish": True}


@app.task(name="tasks.add")
def add(x, y):
    return x + y


@app.task(name="tasks.now")
def now():
    return time.monotonic() * 1000


@worker_ready.connect
def say_ready(**_):
    print("takes tasks, ready.")

"""The tasks of user-image/tasks.ts in Python, for a pool of Celery workers and for a Python producer."""

import os
import socket
import time
import urllib.request

from celery import Celery

app = Celery('e2e', broker=os.environ['CELERY_BROKER_URL'], backend=os.environ.get('CELERY_RESULT_BACKEND'))
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_prefetch_multiplier = 1
app.conf.task_acks_late = True


def note(ledger, event, id):
    body = socket.gethostname().encode()
    with urllib.request.urlopen(urllib.request.Request(f'{ledger}/{event}/{id}', data=body, method='POST')) as answer:
        return int(answer.read())


@app.task(name='e2e.work')
def work(ledger, id, ms):
    note(ledger, 'start', id)
    time.sleep(ms / 1000)
    note(ledger, 'end', id)
    return socket.gethostname()

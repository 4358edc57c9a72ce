"""A Celery application on the broker of `celeriac dev`: one task of its own, for TypeScript to call.

    pip install "celery[redis]"
    celery -A app worker -Q python
"""

import os
from statistics import fmean

from celery import Celery

app = Celery(
    'python-join',
    broker=os.environ.get('CELERY_BROKER_URL', 'redis://127.0.0.1:16379/0'),
    backend=os.environ.get('CELERY_RESULT_BACKEND', 'redis://127.0.0.1:16379/1'),
)
app.conf.task_routes = {'python.*': {'queue': 'python'}}
app.conf.broker_connection_retry_on_startup = True


@app.task(name='python.mean')
def mean(numbers):
    return fmean(numbers)

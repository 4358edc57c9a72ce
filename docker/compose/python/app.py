"""The Python side of ../../compose.yaml: every two minutes it calls a burst of TypeScript tasks and works on what they return."""

import os
import random

from celery import Celery, signature

app = Celery('tour', broker=os.environ['CELERY_BROKER_URL'], backend=os.environ['CELERY_RESULT_BACKEND'])
app.conf.update(
    task_routes={'tour.burst': {'queue': 'python'}},
    beat_schedule={'burst': {'task': 'tour.burst', 'schedule': 120.0, 'args': [200]}},
    broker_connection_retry_on_startup=True,
    result_expires=3600,
)


@app.task(name='tour.burst')
def burst(size):
    """Digests made in TypeScript, each shortened in Python; and one task that fails."""
    # whoever runs the first task publishes the second, so the call itself says where to
    following = short.s().set(queue='python')
    for number in range(size):
        digest = signature('tour.digest', args=[f'text {number}', random.uniform(0.1, 0.9)], app=app)
        (digest | following).delay()
    app.send_task('tour.refuse', args=['asked to'])
    return size


@app.task(name='tour.short')
def short(digest):
    return digest[:8]

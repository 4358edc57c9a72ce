"""Calls the tasks of examples/basics/tasks.ts, which run in a TypeScript worker.

    celeriac dev -A examples/basics/tasks.ts
    python examples/python-join/join.py
"""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from app import app
from celery import chain, group

add = app.signature('tasks.add')
echo = app.signature('tasks.echo')


def call(name, *args, **kwargs):
    return app.send_task(name, args, kwargs).get(timeout=30)


print('add', call('tasks.add', 2, 3))
print('add by keyword', call('tasks.add', x=2, y=40))
print('big integer', call('tasks.echo', 2**70))
print('decimal', repr(call('tasks.echo', Decimal('1.10'))))
print('bytes', call('tasks.echo', b'\xff\x00'))
print('retried', call('tasks.flaky', 2))

try:
    call('tasks.add', 1)
except TypeError as error:
    print('TypeError', error)

print('chain', chain(add.clone((1, 2)), add.clone((10,))).apply_async().get(timeout=30))
print('group', sorted(group(add.clone((n, n)) for n in range(3)).apply_async().get(timeout=30)))

due = datetime.now(timezone.utc) + timedelta(seconds=1)
late = app.send_task('tasks.echo', ['late'], eta=due)
print('eta', late.get(timeout=30), datetime.now(timezone.utc) >= due)

print('workers', sorted(app.control.inspect(timeout=5).ping()))

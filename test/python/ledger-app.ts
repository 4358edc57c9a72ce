/** app.py with the task `test.work` of test/integration/autoscaler-tasks.ts: notes its start and end in a ledger. */
export const ledgerApp: string = `
import os, time
from celery import Celery

app = Celery('tasks', broker=os.environ['CELERY_BROKER_URL'], backend=os.environ.get('CELERY_RESULT_BACKEND'))
app.conf.broker_connection_retry_on_startup = True

@app.task(name='test.work')
def work(path, id, ms, gate=None):
    with open(path, 'a') as ledger:
        ledger.write(f'start {id} {os.getpid()} 0\\n')
    while gate is not None and os.path.exists(gate):
        time.sleep(0.025)
    time.sleep(ms / 1000)
    with open(path, 'a') as ledger:
        ledger.write(f'end {id} {os.getpid()} 0\\n')
`;

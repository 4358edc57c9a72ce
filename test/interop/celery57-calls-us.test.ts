import { pythonCallsUs } from './python-calls-us.ts';

pythonCallsUs('celery57', 'redis');
pythonCallsUs('celery57', 'rabbitmq');
pythonCallsUs('celery57', 'embedded');

import { pythonCallsUs } from './python-calls-us.ts';

pythonCallsUs('celery56', 'redis');
pythonCallsUs('celery56', 'rabbitmq');
pythonCallsUs('celery56', 'embedded');

export type { TaskDescription, TaskManifest, TaskOptions } from './tasks/manifest.ts';

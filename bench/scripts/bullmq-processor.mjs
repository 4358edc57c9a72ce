export default async function process_(job) {
  if (job.name === 'now') return Number(process.hrtime.bigint()) / 1e6;
  return job.data.x + job.data.y;
}

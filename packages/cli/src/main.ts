// The program's edge: the Node version is checked before anything is imported that an older Node could not parse.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`celeriac needs Node 22.18 or later; this is ${process.versions.node} (${process.execPath}).\n`);
  process.exitCode = 78;
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}

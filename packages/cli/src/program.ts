import { isCeleriacError } from '@celeriac/protocol';
import { Command, CommanderError } from 'commander';
import { commandTable } from './command-table.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { version } from './version.ts';

/**
 * Runs one command line; resolves with the exit code. Only the named command's module is loaded.
 * @param argv the words behind `celeriac`
 */
export async function run(argv: readonly string[]): Promise<number> {
  const program = new Command('celeriac')
    .description('A Celery-compatible worker fleet that scales itself to zero')
    .version(version, '-V, --version')
    .exitOverride()
    .configureHelp({ sortSubcommands: false });
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const named = first === 'help' ? second : first;
  for (const [name, entry] of Object.entries(commandTable)) {
    const command = program.command(name).description(entry.summary);
    command.exitOverride();
    if (name === named) (await entry.load()).configure(command);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (isCeleriacError(error)) {
    process.stderr.write(`celeriac: ${error.message}\n`);
    return exitCodeOf(error.code);
  }
  process.stderr.write(`celeriac: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failure;
}

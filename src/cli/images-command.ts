import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

interface BuildFlags {
  readonly from?: string;
  readonly force?: boolean;
}

interface PruneFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `images build`, `images list` and `images prune`: what the Docker runtime builds and runs chaincode with. */
export function imagesCommands(program: Command, terminal: Terminal): void {
  const images = program.command('images').description('Builder and runtime images of the Docker runtime: build, list, prune.');
  images
    .command('build [languages...]')
    .description(
      'Make the images that are configured and missing, from the programs of this machine: node, golang, java (default: those that are here).',
    )
    .option('--from <image>', 'start from this local image instead, which has the language and a shell')
    .option('--force', 'make them anew although they are there')
    .action(async (languages: readonly string[], flags: BuildFlags) => (await import('./images.ts')).buildAll(languages, flags, terminal));
  images
    .command('list')
    .description('Show which images are configured, which of them the engine has, and how to get the others.')
    .option('--json', 'print one JSON object')
    .action(async ({ json = false }: { readonly json?: boolean }) => (await import('./images.ts')).listAll(json, terminal));
  images
    .command('prune')
    .description('Remove images of chaincode that this peer built and that is not installed any more.')
    .option('--all', 'remove those of installed chaincode too: it is built again when it is next launched')
    .option('--json', 'print one JSON object')
    .action(async (flags: PruneFlags) => (await import('./images.ts')).prune(flags, terminal));
}

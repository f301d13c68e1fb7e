import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from './program.ts';
import { runCommandLine } from './run-command-line.ts';
import type { Terminal } from './terminal.ts';

interface Said {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** Runs a command line that ends before it reaches a network. */
async function run(...argv: readonly string[]): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    write: () => undefined,
    say: (line) => void err.push(line),
    env: { FABRIC_CFG_PATH: import.meta.dirname },
    cwd: '/',
    signal: new AbortController().signal,
    colours: false,
    interactive: false,
  };
  const code = await runCommandLine(argv, terminal);
  return { out: out.join('\n'), err: err.join('\n'), code };
}

const silentTerminal = { out: () => undefined, say: () => undefined } as unknown as Terminal;

function everyCommand(command: Command = buildProgram(silentTerminal), path: readonly string[] = []): string[][] {
  return [[...path], ...command.commands.flatMap((each) => everyCommand(each, [...path, each.name()]))];
}

describe('help', () => {
  it.each(everyCommand().map((path) => [path.join(' '), path]))('of "selvage %s" says what it takes and how it ends', async (_, path) => {
    const { out, code } = await run(...path, '--help');
    expect(code).toBe(0);
    expect(out).not.toContain('(default: "")');
    expect(out).toContain(`Usage: selvage ${path.join(' ')}`.trim());
    expect(out).toContain('Exit codes:');
    expect(out).not.toContain('--logging-level');
  });

  it('of a command that talks to a peer names the variables', async () => {
    expect((await run('chaincode', 'query', '--help')).out).toContain('CORE_PEER_MSPCONFIGPATH');
    expect((await run('channel', 'join', '--help')).out).toContain('CORE_PEER_ADDRESS');
    expect((await run('node', 'start', '--help')).out).toContain('FABRIC_LOGGING_SPEC');
  });
});

describe('the version', () => {
  it('is told with and without dashes', async () => {
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+/);
    expect((await run('version')).out).toMatch(/Version: \d+\.\d+\.\d+/);
  });

  it('is not meant by the flags of a command', async () => {
    const { out, code } = await run('chaincode', 'upgrade', '-V', 'vscc', '--version', '2.0', '-n', 'x');
    expect(out).toBe('');
    expect(code).not.toBe(0);
  });
});

describe('scripts written for peer', () => {
  it.each([
    ['--logging-level', 'debug', 'chaincode', 'list'],
    ['chaincode', '--logging-level', 'debug', 'list'],
    ['chaincode', 'list', '--logging-level', 'debug', '-o', 'x:1', '--tls', '--cafile', 'f', '--peerAddresses', 'a:1'],
  ])('%s %s %s %s hand their flags to every command', async (...argv) => {
    expect((await run(...argv)).err).toBe('Error: must explicitly specify "--installed" or "--instantiated"');
  });

  it('name one peer where one is asked', async () => {
    const two = ['--peerAddresses', 'a:1', '--peerAddresses', 'b:1'];
    const { err, code } = await run('chaincode', 'list', '--installed', ...two);
    expect(err).toContain("'list' command can only be executed against one peer. received 2");
    expect(code).toBe(1);
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['nonsense'], 2],
    [['dev', '--orgs', '0'], 2],
    [['dev', '--nonsense'], 2],
    [['chaincode', 'logs'], 2],
    [['chaincode', 'query'], 1],
    [['chaincode', 'query', '--nonsense'], 1],
    [['chaincode', 'nonsense'], 1],
    [['channel', 'join'], 1],
    [['node', 'start', 'now'], 1],
  ] as const)('%j ends with %i: 1 where peer has the command', async (argv, code) => {
    expect(await run(...argv)).toMatchObject({ code });
  });
});

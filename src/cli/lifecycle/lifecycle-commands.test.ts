import { describe, expect, it } from 'vitest';
import { reportFailure } from '../failure.ts';
import { buildProgram } from '../program.ts';
import type { Terminal } from '../terminal.ts';

/** Runs a command line that ends before it reads an identity or reaches a network: there is neither here. */
async function run(...argv: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    write: () => undefined,
    say: (line) => void err.push(line),
    env: { FABRIC_CFG_PATH: '/nonexistent' },
    cwd: '/',
    signal: new AbortController().signal,
    colours: false,
    interactive: false,
  };
  const running = buildProgram(terminal).parseAsync(['lifecycle', 'chaincode', ...argv], { from: 'user' });
  const code = await running.then(
    () => 0,
    (thrown: unknown) => reportFailure(thrown, terminal),
  );
  return { out, err, code };
}

const CHANNEL = ['-C', 'mychannel'];
const NAME = [...CHANNEL, '-n', 'basic'];
const VERSION = [...NAME, '-v', '1.0'];
const COMPLETE = [...VERSION, '--sequence', '1'];
const MISSING = (parameter: string, flag: string) =>
  `Error: The required parameter '${parameter}' is empty. Rerun the command with ${flag} flag`;

describe('a lifecycle command with a flag that is missing or wrong', () => {
  const definitions = ['approveformyorg', 'checkcommitreadiness', 'commit'].flatMap((command) => [
    [[command], MISSING('channelID', '-C')],
    [[command, ...CHANNEL], MISSING('name', '-n')],
    [[command, ...NAME], MISSING('version', '-v')],
    [[command, ...VERSION], MISSING('sequence', '--sequence')],
    [[command, ...VERSION, '--sequence', 'x'], 'Error: invalid argument "x" for "--sequence" flag'],
    [
      [command, ...COMPLETE, '--signature-policy', 'x', '--channel-config-policy', 'y'],
      'Error: cannot specify both "--signature-policy" and',
    ],
    [[command, ...COMPLETE, '--signature-policy', 'SOME()'], 'Error: invalid policy SOME()'],
    [[command, ...COMPLETE, '--collections-config', 'nothing.json'], 'Error: cannot read /nothing.json'],
    [[command, ...COMPLETE, '--nonsense'], "error: unknown option '--nonsense'"],
  ]);
  const others = [
    [['package', 'x'], 'Error: chaincode path must be specified'],
    [['package', 'x', '-p', '.'], 'Error: package label must be specified'],
    [['package', 'x', '-p', '/nothing', '--label', 'l'], 'Error: there is no folder /nothing'],
    [['package'], "error: missing required argument 'outputfile'"],
    [['install'], "error: missing required argument 'package'"],
    [['install', 'nothing'], "Error: failed to read chaincode package at 'nothing'"],
    [['calculatepackageid'], "error: missing required argument 'package'"],
    [['calculatepackageid', 'x', '-O', 'yaml'], 'Error: --output yaml is unknown'],
    [['queryinstalled', '--output', 'yaml'], 'Error: --output yaml is unknown'],
    [['queryinstalled', '--peerAddresses', 'a:1,b:2'], "Error: 'queryinstalled' command supports one peer. 2 peers provided"],
    [['getinstalledpackage'], MISSING('package-id', '--package-id')],
    [['queryapproved'], MISSING('channelID', '-C')],
    [['queryapproved', ...CHANNEL], MISSING('name', '-n')],
    [['queryapproved', ...NAME, '--sequence', '-1'], 'Error: invalid argument "-1" for "--sequence" flag'],
    [['querycommitted'], MISSING('channelID', '-C')],
    [['approveformyorg', ...COMPLETE, '--waitForEventTimeout', 'soon'], 'Error: soon is no duration'],
    [['commit', ...COMPLETE, '--waitForEventTimeout', '3x'], 'Error: 3x is no duration'],
    [['nonsense'], "error: unknown command 'nonsense'"],
  ];
  it.each([...definitions, ...others] as [string[], string][])('%j says so', async (argv, message) => {
    const { out, err, code } = await run(...argv);
    expect(out).toEqual([]);
    expect(err[0]).toContain(message);
    expect(code).toBe(2);
  });
});

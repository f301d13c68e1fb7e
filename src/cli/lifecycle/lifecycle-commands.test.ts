import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../run-command-line.ts';
import type { Terminal } from '../terminal.ts';

/** Runs a command line that ends before it reads an identity or reaches a network: there is neither here. */
async function run(...argv: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    write: () => undefined,
    say: (line) => void err.push(line),
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
    colours: false,
    interactive: false,
  };
  const code = await runCommandLine(['lifecycle', 'chaincode', ...argv], terminal);
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
    [
      [command, ...VERSION, '--sequence', 'x'],
      'Error: invalid argument "x" for "--sequence" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      [command, ...COMPLETE, '--signature-policy', 'x', '--channel-config-policy', 'y'],
      'Error: cannot specify both "--signature-policy" and',
    ],
    [[command, ...COMPLETE, '--signature-policy', 'SOME()'], 'Error: invalid policy SOME()'],
    [[command, ...COMPLETE, '--collections-config', 'nothing.json'], 'Error: cannot read /nothing.json: no such file or directory'],
    [[command, ...COMPLETE, '--nonsense'], 'Error: unknown flag: --nonsense'],
  ]);
  const others = [
    [['package', 'x'], 'Error: chaincode path must be specified'],
    [['package', 'x', '-p', '.'], 'Error: package label must be specified'],
    [['package', 'x', '-p', '/nothing', '--label', 'l'], 'Error: there is no folder /nothing'],
    [['package'], 'Error: invalid number of args. expected only the output file'],
    [['package', 'x', 'true'], 'Error: invalid number of args. expected only the output file'],
    [['install'], 'Error: chaincode install package must be provided'],
    [['install', 'nothing'], "Error: failed to read chaincode package at 'nothing'"],
    [['calculatepackageid'], 'Error: invalid number of args. expected only the packaged chaincode file'],
    [['queryinstalled', '--output', 'yaml'], '--output yaml is unknown: the answer is printed as text'],
    [
      ['queryinstalled', '--peerAddresses', 'a:1', '--peerAddresses', 'b:2'],
      "Error: 'queryinstalled' command supports one peer. 2 peers provided",
    ],
    [['getinstalledpackage'], MISSING('package-id', '--package-id')],
    [['queryapproved'], MISSING('channelID', '-C')],
    [['queryapproved', ...CHANNEL], MISSING('name', '-n')],
    [['queryapproved', ...NAME, '--sequence', '1.5'], 'Error: invalid argument "1.5" for "--sequence" flag'],
    [['querycommitted'], 'Error: channel name must be specified'],
    [
      ['approveformyorg', ...COMPLETE, '--waitForEventTimeout', 'soon'],
      'Error: invalid argument "soon" for "--waitForEventTimeout" flag: time: invalid duration "soon"',
    ],
    [
      ['commit', ...COMPLETE, '--waitForEventTimeout', '3x'],
      'Error: invalid argument "3x" for "--waitForEventTimeout" flag: time: unknown unit "x" in duration "3x"',
    ],
    [['nonsense'], "error: unknown command 'nonsense'"],
  ];
  it.each([...definitions, ...others] as [string[], string][])('%j says so', async (argv, message) => {
    const { out, err, code } = await run(...argv);
    expect(out).toEqual([]);
    expect(err[0]).toContain(message);
    expect(code).toBe(1);
  });
});

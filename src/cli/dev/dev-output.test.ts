import { describe, expect, it } from 'vitest';
import { buildEnded, buildStarted } from '../../packages/build-progress.ts';
import { chaincodeExited, chaincodeRegistered } from '../../packages/chaincode-life.ts';
import { DevOutput } from './dev-output.ts';

const CCID = `assets_1:${'0'.repeat(64)}`;

function heard({ quiet = false, verbose = false } = {}) {
  const told: string[] = [];
  const output = new DevOutput({
    reporter: {
      build: ({ did, text }) => told.push(`${did} ${text}`),
      output: (who, stream, text) => told.push(`${who} ${stream}: ${text}`),
      problem: (name, text) => told.push(`✗ ${name} ${text}`),
      step: (name, text) => told.push(`✓ ${name} ${text}`),
    },
    quiet,
    verbose,
    nameOf: (label) => label.replace('_1', ''),
  });
  return { told, output };
}

describe('what chaincode and its builds print', () => {
  it('is told as it comes, with who printed it, and its last line kept, fit for a terminal', () => {
    const { told, output } = heard();
    expect(output.last).toBeUndefined();
    output.take(CCID, buildStarted('go build'));
    output.take(CCID, { stream: 'build', text: 'compiling' });
    output.take(CCID, buildEnded('finished', 1200));
    expect(output.last).toBeUndefined();
    output.take(CCID, { stream: 'stdout', text: '\u001b[31mwaiting for a database\u001b[0m' });
    output.take(CCID, { stream: 'stderr', text: ' ' });
    output.take(CCID, { stream: 'peer', text: 'the peer has something to say' });
    output.take(CCID, { stream: 'stderr', text: 'a warning' }, 'Org2');
    expect(told).toEqual([
      'started go build',
      'printed compiling',
      'ended build finished after 1.2 s',
      'assets stdout: waiting for a database',
      'assets@Org2 stderr: a warning',
    ]);
    expect(output.last).toBe('a warning');
  });

  it('leaves out what a shim says to itself, unless all is wanted, and everything when asked to be quiet', () => {
    const line = { stream: 'stderr', text: '2026-11-29T21:32:02.732Z info [c-api:lib/chaincode.js]     Registering with peer' };
    const shown = [{}, { verbose: true }, { quiet: true }].map((options) => {
      const { told, output } = heard(options);
      for (const each of [line, { stream: 'stdout', text: 'hello' }]) output.take(CCID, each);
      return told.length;
    });
    expect(shown).toEqual([1, 2, 0]);
  });

  it('tells that a chaincode ended by itself, also when quiet, and that it works again', () => {
    const { told, output } = heard({ quiet: true });
    output.take(CCID, chaincodeRegistered);
    output.take(CCID, { stream: 'stderr', text: 'TypeError: x is not a function' });
    output.take(CCID, chaincodeExited({ code: 7, signal: null, lastOutput: [] }));
    output.take(CCID, chaincodeRegistered);
    output.take(CCID, chaincodeRegistered);
    expect(told).toEqual([
      '✗ exited assets exited with 7; it printed last: TypeError: x is not a function',
      '✓ chaincode assets works again',
    ]);
  });

  it('repeats what the compiler found where that did not stop the build', () => {
    const unused = "src/a.ts(1,7): error TS6133: 'a' is declared but its value is never read.";
    const { told, output } = heard();
    for (const how of ['finished', 'failed'] as const) {
      output.take(CCID, buildStarted('compiling the sources'));
      output.take(CCID, { stream: 'build', text: unused });
      output.take(CCID, buildEnded(how, 1000));
    }
    expect(told.filter((line) => line.startsWith('✗'))).toEqual([`✗ compiler ${unused}`]);
  });
});

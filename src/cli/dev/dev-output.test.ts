import { expect, it } from 'vitest';
import { buildEnded, buildStarted } from '../../packages/build-progress.ts';
import { DevOutput } from './dev-output.ts';

it('tells what builds do and keeps the last line of the chaincode, fit for a terminal', () => {
  const told: string[] = [];
  const output = new DevOutput({ build: ({ did, text }) => told.push(`${did} ${text}`) });
  expect(output.last).toBeUndefined();
  output.take(buildStarted('go build'));
  output.take({ stream: 'build', text: 'compiling' });
  output.take(buildEnded('finished', 1200));
  expect(output.last).toBeUndefined();
  output.take({ stream: 'stdout', text: '\u001b[31mwaiting for a database\u001b[0m' });
  output.take({ stream: 'stderr', text: ' ' });
  output.take({ stream: 'peer', text: 'the peer has something to say' });
  expect(told).toEqual(['started go build', 'printed compiling', 'ended build finished after 1.2 s']);
  expect(output.last).toBe('waiting for a database');
});

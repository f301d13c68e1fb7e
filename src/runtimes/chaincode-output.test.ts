import { describe, expect, it } from 'vitest';
import { type LogFields, silent } from '../common/log.ts';
import type { LaunchSpec, OpenTransaction } from '../packages/launch-spec.ts';
import type { OutputLine } from '../packages/output.ts';
import { chaincodeOutput } from './chaincode-output.ts';

function sent(line: string, running: readonly OpenTransaction[]) {
  const logged: (LogFields | undefined)[] = [];
  const kept: OutputLine[] = [];
  const log = { ...silent, info: (_message: string, fields?: LogFields) => void logged.push(fields) };
  const spec = { running: () => running, output: (each: OutputLine) => void kept.push(each) };
  chaincodeOutput(spec as unknown as LaunchSpec, log)(line, 'stderr');
  return { logged, kept };
}

describe('a line of output', () => {
  it('is logged and kept with its transaction', () => {
    expect(sent('hello', [{ channelId: 'ch', txId: 'ab' }])).toEqual({
      logged: [{ stream: 'stderr', line: 'hello', channel: 'ch', txId: 'ab' }],
      kept: [{ stream: 'stderr', text: 'hello', channelId: 'ch', txId: 'ab' }],
    });
  });

  it('is logged and kept without one when none runs', () => {
    expect(sent('hello', [])).toEqual({ logged: [{ stream: 'stderr', line: 'hello' }], kept: [{ stream: 'stderr', text: 'hello' }] });
  });
});

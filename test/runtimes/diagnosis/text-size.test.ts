/** What a failed launch says has to come through gRPC whole: a status travels in headers, of which clients take 8 KiB. */
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { couldNotLaunch, exitedEarly, launchFailureFields } from '../../../src/chaincode/launch-failure.ts';
import { GrpcClient } from '../../../src/comm/client.ts';
import { listen } from '../../../src/comm/server.ts';
import { SelvageError } from '../../../src/common/errors.ts';
import { silent } from '../../../src/common/log.ts';
import { Scope } from '../../../src/common/scope.ts';
import { shownLines } from '../../../src/packages/last-output.ts';
import { buildFailure, CAUSE } from '../../../src/packages/platforms/build-failure.ts';
import { explainNpm } from '../../../src/packages/platforms/node/node-verdicts.ts';

const never = new AbortController().signal;
const chaincode = { name: 'cc', version: '1', ccid: 'cc:1' };

/** The text of an error as a client over the wire has it. */
async function overTheWire(error: SelvageError): Promise<string> {
  await using scope = new Scope();
  const handle = (): Promise<Uint8Array> => Promise.reject(new SelvageError('PROPOSAL_REFUSED', error.message));
  const server = scope.use(await listen({ address: '127.0.0.1:0', methods: [{ kind: 'unary', path: '/t/Fail', handle }], log: silent }));
  const client = scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }));
  const thrown: unknown = await client.unary('/t/Fail', new Uint8Array(0), { signal: never }).catch((refused: unknown) => refused);
  expect(thrown).toMatchObject({ details: { grpcStatus: status.UNKNOWN } });
  return SelvageError.from(thrown).message;
}

const LINES = {
  'of 200 characters': 'x'.repeat(200),
  'of 200 percent signs': '%'.repeat(200),
  'of 200 Japanese characters': '部'.repeat(200),
  'of 200 emojis': '🧵'.repeat(200),
  'of 16 KiB': 'x'.repeat(16 * 1024),
};

describe('20 lines', () => {
  it.each(Object.entries(LINES))('%s come through with cause and advice', async (_, line) => {
    const lastOutput = Array.from({ length: 20 }, (__, at) => `${at} ${line}`);
    const error = couldNotLaunch(chaincode, exitedEarly({ code: 1, signal: null, lastOutput }), undefined);
    const told = await overTheWire(error);
    expect(told).toBe(error.message);
    expect(told.split('\n')).toHaveLength(22);
    for (let at = 0; at < 20; at += 1) expect(told).toContain(`\n${at} `);
    expect(told).toContain('The chaincode ended before it registered with the peer.');
    expect(told.endsWith(String(error.advice))).toBe(true);
    expect(launchFailureFields(error)).toMatchObject({
      exitCode: 1,
      reason: expect.stringContaining('ended before'),
      advice: error.advice,
    });
  });

  it.each(Object.entries(LINES))('%s of a build come through, too', async (_, line) => {
    const output = Array.from({ length: 300 }, () => line).concat(
      `npm error code E404`,
      `npm error 404  '${line}' is not in this registry.`,
    );
    const failure = buildFailure((lines) => `installing failed: ${CAUSE}\n${lines}`, {
      ccid: 'cc:1',
      verdict: explainNpm(output),
      output,
      exitCode: 1,
    });
    const error = couldNotLaunch(chaincode, failure, undefined);
    const told = await overTheWire(error);
    expect(told).toBe(error.message);
    expect(told).toContain('a dependency is not in the npm registry');
    expect(told.endsWith(String(error.advice))).toBe(true);
  });
});

describe('lines of an output', () => {
  it('are shown whole where there is room', () => {
    const lines = ['short', 'y'.repeat(500), '部'.repeat(200)];
    expect(shownLines(lines)).toEqual(lines);
    expect(shownLines(['y'.repeat(501)])).toEqual([`${'y'.repeat(500)}…`]);
  });

  it('leave their room to longer ones', () => {
    const [long = '', ...short] = shownLines(['部'.repeat(499), ...Array.from({ length: 19 }, () => 'ok')]);
    expect(short).toEqual(Array.from({ length: 19 }, () => 'ok'));
    expect(long.length).toBeGreaterThan(400);
  });

  it('have no colours and no other control characters', () => {
    expect(shownLines(['\u001b[31mred\u001b[0m\u0001 and more'])).toEqual(['red  and more']);
  });
});

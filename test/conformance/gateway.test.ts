import { afterAll, describe, expect, it } from 'vitest';
import { fixtures } from '../fixtures.ts';
import { isGatewayCall, isOfTheSetting } from './recorded-gateway.ts';
import { NETWORKS } from './recording.ts';
import { Report } from './report.ts';
import { walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded calls of the gateway (needs the recorded fixtures)', () => {
  const report = new Report('gateway');
  afterAll(() => report.print());

  it.each(NETWORKS)('%s: get the recorded answers and refusals, with their details', async (network) => {
    const { recording, gateway } = await walked(network);
    const different: string[] = [];
    for (const { call, verdict } of gateway) {
      if (!verdict.equal) different.push(`${call.name}\n  recorded ${verdict.expected}\n  ours     ${verdict.actual}`);
      else report.covered(`${network} ${call.method} answers`, Math.max(1, call.responses.length));
    }
    expect(different.join('\n')).toBe('');
    const asked = new Set(gateway.map(({ call }) => call.name));
    for (const call of recording.calls.filter(isGatewayCall)) {
      if (isOfTheSetting(call)) report.skipped(`${network}: the recorded node could not dial without TLS`, call.name);
      else expect(asked).toContain(call.name);
    }
  });
});

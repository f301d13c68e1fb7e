import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeName } from '../../src/chaincode/stream/message-types.ts';
import { textOf } from '../../src/common/bytes.ts';
import { fixtures } from '../fixtures.ts';
import { NETWORKS } from './recording.ts';
import { Report } from './report.ts';
import { ruleFor } from './stream-rules.ts';
import { type Walk, walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded chaincode streams (needs the recorded fixtures)', () => {
  const report = new Report('chaincode streams');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s on the state of their time', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('the peer says what the recorded peer said', () => {
      const different: string[] = [];
      for (const { stream, call, heard } of walk.heard) {
        for (const each of heard) {
          const name = `${call?.name ?? 'registration'} of ${stream.ccid}`;
          const rule = each.equal ? undefined : ruleFor(network, each);
          const { type, payload } = each.message.message;
          if (each.equal) report.covered(`${network} messages on the state of their time`);
          else if (rule !== undefined) report.known(`${network}: ${rule}`, name);
          else different.push(`${name}: ${typeName(type)} ${textOf(payload)} instead of ${each.line?.type ?? 'silence'}`);
        }
      }
      expect(different.join('\n')).toBe('');
      expect(walk.heard.length).toBeGreaterThan(0);
    });
  });
});

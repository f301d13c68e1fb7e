import { describe, expect, it } from 'vitest';
import { detailsOf } from '../../test/fakes/small-gateway.ts';
import { statusOf } from '../comm/status.ts';
import { decodeDetails } from '../comm/status-details.ts';
import { failed } from './failures.ts';

const failure = (message: string) => ({ address: 'peer0.org1.example.com:7051', mspId: 'Org1MSP', message });

/** How many details a client gets, and what the whole status takes in its headers. */
function sent(message: string, count: number, text: string) {
  const error = failed(
    'ENDORSEMENT_FAILED',
    message,
    Array.from({ length: count }, () => failure(text)),
  );
  const { metadata = [], message: told } = statusOf(error);
  const [, details = ''] = metadata.find(([name]) => name === 'grpc-status-details-bin') ?? [];
  return {
    details: decodeDetails(Buffer.from(details, 'base64')).length,
    bytes: details.length + encodeURIComponent(told).length,
    first: detailsOf(error)[0] ?? '',
  };
}

describe('what nodes said', () => {
  it.each([
    ['one short text', 'failed', 1, 'no'],
    ['one long text', 'failed, see attached details for more info', 1, 'x'.repeat(20_000)],
    ['a long text that is the message, too', 'x'.repeat(20_000), 1, 'x'.repeat(20_000)],
    ['the same of other letters', '\u{1F9F5}ü'.repeat(5_000), 1, '\u{1F9F5}ü'.repeat(5_000)],
    ['ten long texts', 'failed, see attached details for more info', 10, 'ü'.repeat(20_000)],
  ])('fits into the headers of an answer: %s', (_, message, count, text) => {
    const { details, bytes, first } = sent(message, count, text);
    expect(details).toBe(count);
    expect(bytes).toBeLessThan(7_500);
    const [, told = ''] = first.split('): ');
    expect(text.startsWith(told.replace(/…$/, ''))).toBe(true);
    expect(told.length).toBeGreaterThan(Math.min(text.length, 140) - 1);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { common, protos } from '../../protos/messages.ts';
import { readResponse } from './read-response.ts';

const folder = mkdtempSync(join(tmpdir(), 'selvage-response-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const payload = protos.ProposalResponsePayload.encode({
  proposalHash: Buffer.from('hash'),
  extension: protos.ChaincodeAction.encode({ response: { status: 200 }, chaincodeId: { name: 'basic', version: '1' } }),
});
const response = protos.ProposalResponse.encode({ version: 1, response: { status: 200 }, payload });
const action = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload: payload, endorsements: [] } });
const data = protos.Transaction.encode({ actions: [{ payload: action }] });
const transaction = common.Envelope.encode({ payload: common.Payload.encode({ data }) });

function file(bytes: Uint8Array | string): string {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  return path;
}

describe('the answer in a file', () => {
  it.each([
    ['a proposal response', response],
    ['its payload', payload],
    ['a transaction', transaction],
    ['base64', `${Buffer.from(response).toString('base64')}\n`],
  ])('is found in %s', (_, bytes) => expect(Buffer.from(readResponse(file(bytes)))).toEqual(Buffer.from(payload)));

  it.each([
    ['text', 'hello, this is no response'],
    ['nothing', ''],
    ['other bytes', Uint8Array.of(0xff, 1, 2)],
  ])('is missed by name in %s', (_, bytes) =>
    expect(() => readResponse(file(bytes))).toThrow(`${join(folder, 'file')} holds no proposal response`),
  );
});

import { describe, expect, it } from 'vitest';
import { inspected, readinessLines } from './texts.ts';

const definition = { channelId: 'mychannel', name: 'basic', version: '2.0', sequence: 2n };
const HEADING = "Chaincode definition for chaincode 'basic', version '2.0', sequence '2' on channel 'mychannel' approval status by org:";
const answer = {
  approvals: new Map([
    ['Org2MSP', false],
    ['Org1MSP', true],
    ['Org10MSP', false],
  ]),
  mismatches: new Map([
    ['Org2MSP', { items: ['EndorsementInfo', 'Collections'] }],
    ['Org10MSP', { items: ['ChaincodeParameters', 'News'] }],
  ]),
};

describe('readiness', () => {
  it('is told by organisation', () => {
    expect(readinessLines(definition, { ...answer, mismatches: new Map() })).toEqual([
      HEADING,
      'Org10MSP: false',
      'Org1MSP: true',
      'Org2MSP: false',
    ]);
  });

  it('says where to look, as far as the peer says what differs', () => {
    expect(readinessLines(definition, inspected(answer))).toEqual([
      HEADING,
      'Org10MSP: false (mismatch: [ChaincodeParameters (Check the Sequence, ChaincodeName), News])',
      'Org1MSP: true',
      'Org2MSP: false (mismatch: [EndorsementInfo (Check the Version, InitRequired, EndorsementPlugin), Collections (Check the Collections)])',
    ]);
  });
});

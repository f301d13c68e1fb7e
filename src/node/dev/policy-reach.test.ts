import { expect, it } from 'vitest';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { common } from '../../protos/messages.ts';
import { unreachable } from './policy-reach.ts';

const judged = (text: string, ...mspIds: readonly string[]) =>
  unreachable(common.SignaturePolicyEnvelope.encode(parsePolicyText(text)), mspIds);

it.each([
  ["OR('Org1MSP.member','Org9MSP.member')", ['Org1MSP']],
  ["AND('Org1MSP.peer','Org2MSP.member')", ['Org1MSP', 'Org2MSP']],
  ["OutOf(2,'Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')", ['Org2MSP', 'Org3MSP']],
  ["OR(AND('Org1MSP.peer','Org1MSP.peer'),'Org1MSP.peer')", ['Org1MSP']],
])('%s can be met by the peers of %j', (text, mspIds) => expect(judged(text, ...mspIds)).toBeUndefined());

it.each([
  ["AND('Org1MSP.member','Org3MSP.member')", ['Org1MSP', 'Org2MSP'], 'it names Org3MSP, and this network has Org1MSP, Org2MSP'],
  ["OR('Org1MSP.admin')", ['Org1MSP'], 'it asks for Org1MSP.admin, and endorsements come from peers'],
  ["AND('Org1MSP.peer','Org1MSP.member')", ['Org1MSP'], 'it asks for more signatures of an organisation than its one peer gives'],
])('%s cannot be met by the peers of %j', (text, mspIds, why) => expect(judged(text, ...mspIds)).toBe(why));

import { describe, expect, it } from 'vitest';
import { silent } from '../../common/log.ts';
import { namedContacts } from './named-contacts.ts';

describe('the contacts of a peer', () => {
  it('are its bootstrap peers, which must be of its organisation, and those of any that it is told of', () => {
    const also = [{ endpoint: 'localhost:9051', mspId: 'Org2MSP' }];
    const parts = { mspId: 'Org1MSP', bootstrap: ['peer1:7051'], channels: [], log: silent };
    const own = { endpoint: 'peer1:7051', mspId: 'Org1MSP', kind: 'bootstrap peer' };
    expect(namedContacts(parts)).toEqual([own]);
    expect(namedContacts({ ...parts, also })).toEqual([own, { endpoint: 'localhost:9051', mspId: 'Org2MSP', kind: 'anchor peer' }]);
  });
});

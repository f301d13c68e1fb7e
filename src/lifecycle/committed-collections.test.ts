import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../test/fakes/memory-ledger.ts';
import { common, protos } from '../protos/messages.ts';
import { definedLifetimes, heldBy } from './committed-collections.ts';
import { committedName, definitionRecord } from './lifecycle-definition.ts';
import { LIFECYCLE, writeRecord } from './records.ts';

describe('how long private data lives', () => {
  const state = new MemoryState();
  const config = [
    { staticCollectionConfig: { name: 'brief', blockToLive: 3n } },
    { staticCollectionConfig: { name: 'kept', blockToLive: 0n } },
  ];
  state.put('lscc', 'mycc~collection', protos.CollectionConfigPackage.encode({ config }), [1n, 0n]);
  const blocks = async (namespace: string, collection: string) => {
    using snapshot = state.snapshot();
    return await definedLifetimes.blockToLive({ namespace, collection }, snapshot);
  };

  it('is what the chaincode was instantiated with', async () => {
    expect(await blocks('mycc', 'brief')).toBe(3n);
    expect(await blocks('mycc', 'kept')).toBe(0n);
  });

  it('is for ever where nobody defined it', async () => {
    expect(await blocks('mycc', 'other')).toBe(0n);
    expect(await blocks('other', 'brief')).toBe(0n);
  });
});

describe('a collection of the 2.x lifecycle', () => {
  const memberOrgsPolicy = {
    signaturePolicy: { identities: [{ principal: common.MSPRole.encode({ mspIdentifier: 'Org1MSP' }) }] },
  };

  async function defined() {
    const state = new MemoryState();
    const definition = {
      sequence: 1n,
      version: '1.0',
      initRequired: false,
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      validationParameter: new Uint8Array([1]),
      collections: { config: [{ staticCollectionConfig: { name: 'brief', blockToLive: 3n, memberOrgsPolicy } }] },
    };
    await writeRecord(committedName('cc'), definitionRecord(definition), {
      get: () => undefined,
      put: (key, value) => state.put(LIFECYCLE, key, value, [1n, 0n]),
      delete: () => undefined,
    });
    return state;
  }

  it('lives as long as its definition says, an organisation’s own for ever', async () => {
    using snapshot = (await defined()).snapshot();
    expect(await definedLifetimes.blockToLive({ namespace: 'cc', collection: 'brief' }, snapshot)).toBe(3n);
    expect(await definedLifetimes.blockToLive({ namespace: 'cc', collection: '_implicit_org_Org1MSP' }, snapshot)).toBe(0n);
  });

  it('is held by its members, and an organisation’s own by that one', async () => {
    using snapshot = (await defined()).snapshot();
    const held = (mspId: string, namespace: string, collection: string) => heldBy(mspId)({ namespace, collection }, snapshot);
    expect([await held('Org1MSP', 'cc', 'brief'), await held('Org2MSP', 'cc', 'brief')]).toEqual([true, false]);
    for (const namespace of ['cc', '_lifecycle']) {
      expect(await held('Org2MSP', namespace, '_implicit_org_Org2MSP')).toBe(true);
      expect(await held('Org1MSP', namespace, '_implicit_org_Org2MSP')).toBe(false);
    }
    expect(await held('Org1MSP', 'cc', 'unknown')).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../test/fakes/memory-ledger.ts';
import type { Channel } from '../channel/channel.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChaincodeDefinition, Definitions } from '../lifecycle/definitions.ts';
import { prepareChaincode } from './prepare-chaincode.ts';

const never = new AbortController().signal;

/** A channel whose definitions are what its state says, and a peer that may or may not run them. */
function peer({ runnable = true }: { readonly runnable?: boolean } = {}) {
  const state = new MemoryState();
  state.put('lscc', 'mycc', utf8('1.0'), [1n, 0n]);
  const launched: string[] = [];
  let replaced = 0;
  const definitions: Definitions = {
    find: async (reads, name) => {
      if (replaced > 0) {
        replaced -= 1;
        throw new SelvageError('DEFINITION_CHANGED', 'changed during invoke');
      }
      const version = await reads.getState('lscc', name);
      return version && ({ name, version: textOf(version), ccid: `${name}:${textOf(version)}` } as ChaincodeDefinition);
    },
    checkRunnable: async () => {
      if (!runnable) throw new SelvageError('CHAINCODE_NOT_FOUND', 'not installed');
    },
  };
  const channel = { id: 'ch', ledger: state } as unknown as Channel;
  const parts = {
    channels: { get: (id: string) => (id === 'ch' ? channel : undefined), list: () => [] },
    definitions,
    chaincodes: {
      makeReady: async ({ ccid }: { readonly ccid: string }) => {
        launched.push(`${ccid} with ${state.openSnapshots} snapshots`);
      },
    },
  };
  const prepare = (channelId: string, name: string) => prepareChaincode(parts, { channelId, name }, { signal: never });
  const replace = (times: number): void => {
    replaced = times;
  };
  return { state, launched, prepare, replace };
}

describe('a chaincode that is prepared', () => {
  it('is looked up again when its definition is replaced meanwhile', async () => {
    const { state, launched, prepare, replace } = peer();
    replace(2);
    await prepare('ch', 'mycc');
    expect(launched).toEqual(['mycc:1.0 with 0 snapshots']);
    expect(state.openSnapshots).toBe(0);
  });

  it('is launched as the channel defines it, with no snapshot open', async () => {
    const { launched, prepare } = peer();
    await prepare('ch', 'mycc');
    expect(launched).toEqual(['mycc:1.0 with 0 snapshots']);
  });

  it('must be there, and be one that this peer may run', async () => {
    const { launched, prepare, state } = peer();
    await expect(prepare('other', 'mycc')).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    await expect(prepare('ch', 'other')).rejects.toMatchObject({ code: 'CHAINCODE_NOT_FOUND' });
    await expect(peer({ runnable: false }).prepare('ch', 'mycc')).rejects.toMatchObject({ message: 'not installed' });
    expect(launched).toEqual([]);
    expect(state.openSnapshots).toBe(0);
  });
});

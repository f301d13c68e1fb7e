import { describe, expect, it } from 'vitest';
import { connectionContract } from '../../src/chaincode/ports/connection.contract.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { connectionPair } from './memory-connection.ts';

connectionContract('memory', () => connectionPair());

describe('memory connection', () => {
  it('tells the peer what went wrong with the transport', async () => {
    const { peer, chaincode } = connectionPair();
    chaincode.close(new SelvageError('PEER_UNREACHABLE', 'reset'));
    await expect(peer.incoming[Symbol.asyncIterator]().next()).rejects.toThrow('reset');
  });

  it('lets a waiting sender go when it closes', async () => {
    const { peer, chaincode } = connectionPair({ capacity: 0 });
    const waiting = chaincode.send(new Uint8Array([8, 1]));
    peer.close();
    await waiting;
    await expect(chaincode.send(new Uint8Array([8, 1]))).rejects.toThrow('the connection is closed');
  });
});

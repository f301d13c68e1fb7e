import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../test/fakes/chaincode-on-stream.ts';
import { SelvageError } from '../common/errors.ts';
import { ChaincodeRegistry } from './registry.ts';
import { ChaincodeStream } from './stream/chaincode-stream.ts';
import { ChaincodeTls } from './tls.ts';

const requests = {
  calls: { isSystem: () => false, call: () => Promise.reject(new Error('no calls here')) },
  collections: { permissions: async () => ({ read: true, write: true }) },
  capabilities: () => undefined,
  newQueryId: () => 'id',
  totalQueryLimit: 1,
};

function connect(admission: ChaincodeRegistry, peerCertificateHash?: Uint8Array, madeFor?: string) {
  const chaincode = new ChaincodeOnStream({ peerCertificateHash, madeFor });
  const stream = new ChaincodeStream({ id: 's', connection: chaincode.connection, admission, requests });
  return { chaincode, stream, ended: stream.run() };
}

async function claim(admission: ChaincodeRegistry, ccid: string): Promise<string> {
  const { chaincode, ended } = connect(admission);
  await chaincode.claim(ccid);
  return (await ended).message;
}

describe('a service that the peer dialled', () => {
  it('registers under its name alone, even while another is being launched', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    using own = registry.expect('own:1');
    using other = registry.expect('other:1');
    const { chaincode, ended } = connect(registry, undefined, 'own:1');
    own.dialled(chaincode.connection);
    await chaincode.claim('other:1');
    expect((await ended).message).toBe('peer will not accept external chaincode connection other:1 (except in dev mode)');
    expect(own.refusal?.advice).toContain('CHAINCODE_ID=own:1');
    expect(other.refusal).toBeUndefined();
  });

  it('needs no certificate of ours: the peer checked its own on the way', async () => {
    const tls = new ChaincodeTls({ issue: () => Promise.reject(new Error('not needed')) });
    const registry = new ChaincodeRegistry({ open: false, tls });
    using own = registry.expect('own:1');
    const { chaincode, stream } = connect(registry, undefined, 'own:1');
    own.dialled(chaincode.connection);
    await chaincode.register('own:1');
    expect(await own.ready).toBe(stream);
  });
});

describe('a chaincode that comes by a way of its own', () => {
  it('registers under its name alone, without a certificate, and takes the place of no other launch', async () => {
    const tls = new ChaincodeTls({ issue: () => Promise.reject(new Error('not needed')) });
    const registry = new ChaincodeRegistry({ open: false, tls });
    using first = registry.expect('own:1');
    using second = registry.expect('own:1');
    using other = registry.expect('other:1');
    const [wrong, right, again] = Array.from({ length: 3 }, () => connect(registry, undefined, 'own:1'));
    for (const each of [wrong, right, again]) if (each !== undefined) second.reachedBy(each.chaincode.connection);
    await wrong?.chaincode.claim('other:1');
    expect((await wrong?.ended)?.message).toBe('peer will not accept external chaincode connection other:1 (except in dev mode)');
    expect(second.refusal?.advice).toContain('CORE_CHAINCODE_ID_NAME');
    await right?.chaincode.register('own:1');
    expect(await second.ready).toBe(right?.stream);
    await again?.chaincode.claim('own:1');
    expect((await again?.ended)?.message).toBe('duplicate chaincodeID: own:1');
    expect([first.stream, other.stream, other.refusal]).toEqual([undefined, undefined, undefined]);
  });

  it('may dial the peer all the same', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    using own = registry.expect('own:1');
    own.reachedBy(connect(registry, undefined, 'own:1').chaincode.connection);
    const dialling = connect(registry);
    await dialling.chaincode.register('own:1');
    expect(await own.ready).toBe(dialling.stream);
  });
});

describe('ChaincodeRegistry', () => {
  it('keeps the healthy stream when a duplicate is refused and ends', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const healthy = connect(registry);
    await healthy.chaincode.register('cc:1');
    expect(await claim(registry, 'cc:1')).toBe('duplicate chaincodeID: cc:1');
    expect(registry.get('cc:1')).toBe(healthy.stream);
    expect(healthy.stream.state.at).toBe('ready');
  });

  it('frees the name when its stream ends, and only then', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const first = connect(registry);
    await first.chaincode.register('cc:1');
    first.chaincode.close();
    await first.ended;
    expect(registry.get('cc:1')).toBeUndefined();
    const second = connect(registry);
    await second.chaincode.register('cc:1');
    first.stream.close(new SelvageError('CANCELLED', 'again'));
    expect(registry.get('cc:1')).toBe(second.stream);
  });

  it('takes back one registration, not whatever has its name by then', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const { chaincode, stream } = connect(registry);
    const request = { ccid: 'cc:1', stream, connection: chaincode.connection };
    const first = registry.admit(request);
    first[Symbol.dispose]();
    const second = registry.admit(request);
    second.ready();
    first[Symbol.dispose]();
    expect(registry.get('cc:1')).toBe(stream);
    second[Symbol.dispose]();
    expect(registry.get('cc:1')).toBeUndefined();
  });

  it('accepts only what is being launched, unless the user runs chaincode', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const refused = 'peer will not accept external chaincode connection cc:1 (except in dev mode)';
    expect(await claim(registry, 'cc:1')).toBe(refused);
    const expectation = registry.expect('cc:1');
    expect(await claim(registry, 'cc:2')).toContain('connection cc:2');
    expectation[Symbol.dispose]();
    expect(await claim(registry, 'cc:1')).toBe(refused);
    expect(await claim(new ChaincodeRegistry({ open: true }), '')).toBe('chaincode name not set');
  });

  it('hands a launch its stream once that takes transactions', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const expectation = registry.expect('cc:1');
    const { chaincode, stream } = connect(registry);
    await chaincode.register('cc:1');
    expect(await expectation.ready).toBe(stream);
    expect(stream.state.at).toBe('ready');
    expect(registry.list()).toEqual([{ ccid: 'cc:1', stream }]);
  });

  it('leaves a launch waiting when a stranger claims its name, and remembers why that was refused', async () => {
    const tls = new ChaincodeTls({
      issue: async () => ({ clientKey: '', clientCert: '', rootCert: '', certificateHash: new Uint8Array([7]) }),
    });
    const registry = new ChaincodeRegistry({ open: false, tls });
    expect(registry.secured).toBe(true);
    const expectation = registry.expect('cc:1');
    expectation.shows((await tls.issue('cc:1')).certificateHash);
    const stranger = connect(registry);
    await stranger.chaincode.claim('cc:1');
    expect((await stranger.ended).message).toBe("TLS is active but chaincode cc:1 didn't send certificate");
    expect(expectation.refusal?.message).toBe("TLS is active but chaincode cc:1 didn't send certificate");
    const rightful = connect(registry, new Uint8Array([7]));
    await rightful.chaincode.register('cc:1');
    expect(await expectation.ready).toBe(rightful.stream);
  });

  it('closes what registered for a launch that failed', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const expectation = registry.expect('cc:1');
    const { chaincode, ended } = connect(registry);
    await chaincode.register('cc:1');
    expectation.abandon(new SelvageError('CANCELLED', 'the launch failed'));
    expect((await ended).message).toBe('the launch failed');
    expect(registry.list()).toEqual([]);
  });
});

describe('launches of one name', () => {
  it('each get the stream that shows their certificate, and no more streams than launches come in', async () => {
    let count = 0;
    const tls = new ChaincodeTls({
      issue: async () => {
        count += 1;
        return { clientKey: '', clientCert: '', rootCert: '', certificateHash: new Uint8Array([count]) };
      },
    });
    const registry = new ChaincodeRegistry({ open: false, tls });
    const launches = [registry.expect('cc:1'), registry.expect('cc:1')];
    for (const launch of launches) launch.shows((await tls.issue('cc:1')).certificateHash);
    const second = connect(registry, new Uint8Array([2]));
    await second.chaincode.register('cc:1');
    expect(await launches[1]?.ready).toBe(second.stream);
    expect(launches[0]?.stream).toBeUndefined();
    const again = connect(registry, new Uint8Array([2]));
    await again.chaincode.claim('cc:1');
    expect((await again.ended).message).toBe('duplicate chaincodeID: cc:1');
    launches[1]?.[Symbol.dispose]();
    const late = connect(registry, new Uint8Array([2]));
    await late.chaincode.claim('cc:1');
    expect((await late.ended).message).toBe('duplicate chaincodeID: cc:1');
    const first = connect(registry, new Uint8Array([1]));
    await first.chaincode.register('cc:1');
    expect(await launches[0]?.ready).toBe(first.stream);
    expect(registry.list()).toHaveLength(2);
    second.chaincode.close();
    await second.ended;
    expect(registry.list()).toEqual([{ ccid: 'cc:1', stream: first.stream }]);
    expect(registry.get('cc:1')).toBe(first.stream);
  });

  it('are served by whoever comes next without TLS, one stream each', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const first = registry.expect('cc:1');
    const one = connect(registry);
    await one.chaincode.register('cc:1');
    expect(await claim(registry, 'cc:1')).toBe('duplicate chaincodeID: cc:1');
    first[Symbol.dispose]();
    using second = registry.expect('cc:1');
    const two = connect(registry);
    await two.chaincode.register('cc:1');
    expect([await first.ready, await second.ready]).toEqual([one.stream, two.stream]);
    expect(await claim(registry, 'cc:1')).toBe('duplicate chaincodeID: cc:1');
  });

  it('may try again with another stream when the first ends before it takes transactions', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    using launch = registry.expect('cc:1');
    const early = new ChaincodeOnStream({ capacity: 0 });
    const stream = new ChaincodeStream({ id: 's', connection: early.connection, admission: registry, requests });
    const ended = stream.run();
    await early.claim('cc:1');
    early.close();
    await ended;
    const { chaincode, stream: next } = connect(registry);
    await chaincode.register('cc:1');
    expect(await launch.ready).toBe(next);
  });

  it('take connections of their own to a service', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    using first = registry.expect('cc:1');
    using second = registry.expect('cc:1');
    const [one, two] = [connect(registry, undefined, 'cc:1'), connect(registry, undefined, 'cc:1')];
    first.dialled(two.chaincode.connection);
    second.dialled(one.chaincode.connection);
    await one.chaincode.register('cc:1');
    await two.chaincode.register('cc:1');
    expect([await first.ready, await second.ready]).toEqual([two.stream, one.stream]);
    expect(await claim(registry, 'cc:1')).toBe('duplicate chaincodeID: cc:1');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { MEASUREMENTS, parseOptions } from '../../bench/options.ts';

const first = ['--beside', 'localhost:7051', '--msp-path', '/msp', '--msp-id', 'Org1MSP'];

describe('The options of the benchmark', () => {
  it('describe each peer by what follows it, and put those to compare with first', () => {
    const own = ['--peer', 'localhost:9051', '--msp-path', '/other', '--msp-id', 'Org2MSP', '--orderer', 'localhost:7050'];
    const options = parseOptions([...own, ...first, '--name', 'a', '--pid', '7']);
    const [a, b] = options?.endorsers ?? [];
    assert.equal(a?.name, 'a');
    assert.equal(a?.pid, 7);
    assert.equal(a?.orderer, undefined);
    assert.equal(b?.name, 'localhost:9051');
    assert.equal(b?.mspPath, '/other');
    assert.equal(b?.mspId, 'Org2MSP');
    assert.equal(b?.orderer?.address, 'localhost:7050');
    assert.equal(b?.pid, undefined);
    assert.equal(b?.channel, 'mychannel');
  });

  it('describe all peers by what stands before the first', () => {
    const options = parseOptions([
      '--msp-path',
      '/msp',
      '--msp-id',
      'Org1MSP',
      '--channel',
      'c',
      '--beside',
      'a:1',
      '--peer',
      'b:2',
      '--channel',
      'd',
    ]);
    const told = options?.endorsers.map(({ peer, channel, mspId }) => [peer.address, channel, mspId]);
    assert.deepEqual(told, [
      ['a:1', 'c', 'Org1MSP'],
      ['b:2', 'd', 'Org1MSP'],
    ]);
  });

  it('measure our own development network beside another peer, and not beside a peer of ours', () => {
    assert.equal(parseOptions(first)?.own, true);
    assert.equal(parseOptions([...first, '--peer', 'b:2', '--msp-path', '/msp', '--msp-id', 'Org1MSP'])?.own, false);
  });

  it('measure everything by default, and less when asked to be quick', () => {
    assert.deepEqual(parseOptions([])?.inFlight, [1, 32]);
    assert.deepEqual(parseOptions([])?.only, new Set(MEASUREMENTS));
    assert.equal(parseOptions(['--quick'])?.rounds, 1);
    assert.equal(parseOptions(['--quick', '--rounds', '3'])?.rounds, 3);
  });

  it.each([
    [['--only', 'speed'], /--only speed is unknown/],
    [['--samples', 'kv-cobol'], /--samples kv-cobol is unknown: write some of kv-node, kv-ts, kv-go, kv-java/],
    [['--replicas', '1,none'], /--replicas none is not possible/],
    [['--calls', 'noop,x'], /--calls x is unknown/],
    [['--rounds', '0'], /--rounds 0 is not possible/],
    [['--aims', 'java'], /--aims java is unknown/],
    [first.slice(0, 2), /--beside localhost:7051 needs --msp-path with it/],
    [[...first, '--pid', 'seven'], /--pid seven is not possible/],
    [['--channel', 'c'], /--channel describes a peer of --beside or --peer, and there is none/],
  ])('say what is wrong with %j', (argv, text) => {
    assert.throws(() => parseOptions(argv), text);
  });
});

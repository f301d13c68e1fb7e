import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

const first = ['--endorser', 'localhost:7051', '--msp-path', '/msp', '--msp-id', 'Org1MSP'];

describe('The options of the benchmark', () => {
  it('describe each endorser by what follows it', () => {
    const options = parseOptions([
      ...first,
      '--name',
      'a',
      '--pid',
      '7',
      '--endorser',
      'localhost:9051',
      '--msp-path',
      '/other',
      '--msp-id',
      'Org2MSP',
      '--orderer',
      'localhost:7050',
    ]);
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

  it('measure everything by default, and less when asked to be quick', () => {
    assert.deepEqual(parseOptions([])?.inFlight, [1, 32]);
    assert.equal(parseOptions([])?.only.size, 5);
    assert.equal(parseOptions(['--quick'])?.rounds, 1);
    assert.equal(parseOptions(['--quick', '--rounds', '3'])?.rounds, 3);
  });

  it.each([
    [['--only', 'speed'], /--only speed is unknown/],
    [['--samples', 'kv-cobol'], /--samples kv-cobol is unknown: write some of kv-node, kv-ts, kv-go, kv-java/],
    [['--replicas', '1,none'], /--replicas none is not possible/],
    [['--calls', 'noop,x'], /--calls x is unknown/],
    [['--rounds', '0'], /--rounds 0 is not possible/],
    [first.slice(0, 2), /needs --msp-path after it/],
  ])('say what is wrong with %j', (argv, text) => {
    assert.throws(() => parseOptions(argv), text);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { bundleOf, genesisOf, organization } from '../../../test/fakes/small-network.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { OrdererRotation } from './orderer-rotation.ts';

let member: Organization;
let one: Organization;
let two: Organization;
beforeAll(async () => {
  [member, one, two] = await Promise.all([organization('peer', 'Org1'), organization('orderer', 'One'), organization('orderer', 'Two')]);
});

const configuration = (ones: readonly string[], twos: readonly string[] = []): ChannelBundle =>
  bundleOf(
    genesisOf({
      peers: [member],
      orderers: [
        [one, ones],
        [two, twos],
      ],
    }),
  );

function rotation(first: ChannelBundle, random: () => number) {
  let bundle = first;
  const channel = { id: 'small', bundle: () => bundle, onConfigured: () => ({ [Symbol.dispose]: () => undefined }) };
  const made = new OrdererRotation({ channel, tls: undefined, overrides: new Map(), random });
  const take = (count: number) => Array.from({ length: count }, () => made.next().source.address);
  const configure = (next: ChannelBundle): void => {
    bundle = next;
  };
  return { take, made, configure };
}

describe('the ordering nodes of a channel', () => {
  it('are all asked before one is asked again, in an order of chance', () => {
    const nodes = ['a:1', 'b:1', 'c:1'];
    expect(rotation(configuration(nodes), () => 0).take(4)).toEqual(['a:1', 'b:1', 'c:1', 'a:1']);
    expect(rotation(configuration(nodes), () => 0.999).take(4)).toEqual(['c:1', 'b:1', 'a:1', 'c:1']);
    const all = configuration(nodes);
    const seen = new Set(Array.from({ length: 60 }, () => rotation(all, Math.random).take(1)[0]));
    expect([...seen].sort()).toEqual(nodes);
  });

  it('are those of the configuration in force, and the others are known, too', () => {
    const { take, made, configure } = rotation(configuration(['a:1'], ['b:1']), () => 0);
    expect(take(1)).toEqual(['a:1']);
    configure(configuration(['c:1', 'd:1'], ['e:1']));
    const { source, others } = made.next();
    expect([source, ...others].map(({ address }) => address)).toEqual(['c:1', 'd:1', 'e:1']);
  });

  it('are reached with the authorities of their own organisation', () => {
    const { channelId, ordererEndpoints } = configuration(['a:1'], ['b:1']);
    expect(channelId).toBe('small');
    const tls = { key: 'key', cert: 'cert' };
    const channel = {
      id: 'small',
      bundle: () => configuration(['a:1'], ['b:1']),
      onConfigured: () => ({ [Symbol.dispose]: () => undefined }),
    };
    const { source, others } = new OrdererRotation({ channel, tls, overrides: new Map(), random: () => 0 }).next();
    expect([source, ...others].map((each) => each.tls)).toEqual(ordererEndpoints.map(({ tlsRoots }) => ({ roots: tlsRoots, ...tls })));
  });

  it('are none where the configuration names none', () => {
    expect(() => rotation(configuration([]), () => 0).take(1)).toThrow('the configuration of channel small names no orderer');
  });
});

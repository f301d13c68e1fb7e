import { describe, expect, it } from 'vitest';
import { endorses, proposed, smallGateway } from '../../test/fakes/small-gateway.ts';
import { deferred } from '../common/deferred.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import { gateway } from '../protos/messages.ts';
import { AnswerBudget } from './held-answers.ts';

const never = { signal: new AbortController().signal };
const asked = gateway.EndorseRequest.decode(gateway.EndorseRequest.encode({ proposedTransaction: proposed() }));

describe('what endorsers answer while clients wait for others', () => {
  it('is bounded: of large answers the largest is given up, and small ones do not notice', async () => {
    const answers = new AnswerBudget(4_000_000);
    const [others, came] = [deferred<void>(), deferred<void>()];
    let [waiting, size] = [0, 500_000];
    let members: ReadonlyMap<string, ChannelMember> = new Map();
    const group = (name: string) => [...members].flatMap(([each, member]) => (each === name ? member : []));
    await using small = await smallGateway({
      planner: {
        plan: async () => ({
          groups: new Map([
            ['G0', group('talker')],
            ['G1', group('waiter')],
          ]),
          layouts: [
            new Map([
              ['G0', 1],
              ['G1', 1],
            ]),
          ],
        }),
      },
      peers: [
        { name: 'talker', answer: (signed) => endorses('talker', { result: 'x'.repeat(size) })(signed) },
        {
          name: 'waiter',
          mspId: 'Org2MSP',
          answer: async (signed) => {
            const result = 'x'.repeat(size);
            waiting += 1;
            if (waiting === 1) came.resolve();
            if (waiting < 2) await others.promise;
            return endorses('waiter', { result })(signed);
          },
        },
      ],
      parts: { answers },
    });
    members = small.members;
    const gone = new AbortController();
    const first = small.gateway.endorse(asked, { signal: gone.signal }).catch((thrown: unknown) => thrown);
    await came.promise; // it is asked when the other one has answered
    size = 2_500_000; // it stands in an answer twice
    await expect(small.gateway.endorse(asked, never)).rejects.toMatchObject({ code: 'OVERLOADED' });
    size = 1_000;
    await small.gateway.endorse(asked, never);
    gone.abort();
    expect(await first).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    others.resolve();
    expect(answers.held).toBe(0);
  });

  it('is bounded for one that is evaluated, too', async () => {
    await using small = await smallGateway({
      peers: [{ name: 'talker', answer: endorses('talker', { result: 'x'.repeat(1_000_000) }) }],
      parts: { answers: new AnswerBudget(1_000_000) },
    });
    const request = gateway.EvaluateRequest.decode(gateway.EvaluateRequest.encode({ proposedTransaction: proposed() }));
    await expect(small.gateway.evaluate(request, never)).rejects.toMatchObject({ code: 'OVERLOADED' });
  });
});

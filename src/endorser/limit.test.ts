import { expect, it } from 'vitest';
import { never, openEndorser } from '../../test/fakes/open-endorser.ts';
import { proposal } from '../../test/fakes/proposals.ts';
import { ok, ScriptedChaincodes } from '../../test/fakes/scripted-chaincodes.ts';

it('proposals beyond the limit are refused, and there is room again when one ends', async () => {
  const waiting: (() => void)[] = [];
  const chaincodes = new ScriptedChaincodes(async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return ok();
  });
  let running = 0;
  const started = new Promise<void>((resolve) => {
    chaincodes.onReady = () => {
      running += 1;
      if (running === 2) resolve();
    };
  });
  const { endorser } = openEndorser(chaincodes, { options: { concurrency: 2 } });
  const both = [endorser.processProposal(proposal(), never), endorser.processProposal(proposal(), never)];
  await started;
  const overloaded = {
    code: 'OVERLOADED',
    grpc: 'UNKNOWN',
    message: 'too many requests for /protos.Endorser, exceeding concurrency limit (2)',
  };
  await expect(endorser.processProposal(proposal(), never)).rejects.toMatchObject(overloaded);
  while (waiting.length < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const release of waiting) release();
  await Promise.all(both);
  const third = endorser.processProposal(proposal(), never);
  while (waiting.length < 3) await new Promise((resolve) => setImmediate(resolve));
  waiting[2]?.();
  expect((await third).endorsement).toBeDefined();
});

it('a refused proposal gives its place back', async () => {
  const { endorser } = openEndorser(new ScriptedChaincodes(() => ok()), { options: { concurrency: 1 } });
  for (let i = 0; i < 3; i += 1) await expect(endorser.processProposal(proposal({ epoch: 1n }), never)).rejects.toThrow('invalid Epoch');
  expect((await endorser.processProposal(proposal(), never)).endorsement).toBeDefined();
});

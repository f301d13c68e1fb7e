import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANDLERS, never, openEndorser } from '../../../test/fakes/open-endorser.ts';
import { proposal } from '../../../test/fakes/proposals.ts';
import { channelsOf } from '../../../test/fakes/recorded-channel.ts';
import { ok, ScriptedChaincodes } from '../../../test/fakes/scripted-chaincodes.ts';
import { systemClock } from '../../common/clock.ts';
import { DEFAULT_HANDLERS, loadHandlers } from './library.ts';

const clock = { clock: systemClock, channels: channelsOf() };
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'handlers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const moduleOf = (name: string, source: string): string => {
  const path = join(folder, name);
  writeFileSync(path, source);
  return path;
};

describe('built-in handlers', () => {
  it('are those of the sample configuration', async () => {
    const { filters, decorators, endorsements } = await loadHandlers(DEFAULT_HANDLERS, clock);
    expect([filters.length, decorators.length, [...endorsements.keys()]]).toEqual([2, 1, ['escc']]);
  });

  it('are those of the sample configuration of 3.1, too', async () => {
    const authFilters = ['DefaultAuth', 'ExpirationCheck', 'TimeWindowCheck'].map((name) => ({ name }));
    expect((await loadHandlers({ ...DEFAULT_HANDLERS, authFilters }, clock)).filters.length).toBe(3);
  });

  it.each(['authFilters', 'decorators'])('of an unknown name in %s refuse to start', async (list) => {
    const settings = { ...DEFAULT_HANDLERS, [list]: [{ name: 'Nope' }] };
    await expect(loadHandlers(settings, clock)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: "Method Nope isn't a method of HandlerLibrary",
    });
  });
});

describe('handlers of the user', () => {
  it('filter, decorate and endorse', async () => {
    const library = moduleOf(
      'all.mjs',
      `export const newFilter = async () => ({ processProposal(signed, options, next) {
         if (signed.signature.length === 0) throw new Error('unsigned');
         return next.processProposal(signed, options);
       } });
       export const newDecorator = () => ({ decorate: (proposal, input) => ({ ...input, decorations: new Map([...input.decorations, ['length', proposal.header.subarray(0, 1)]]) }) });
       export const newPluginFactory = () => ({ newPlugin: ({ channelId }) => ({ endorse: (payload) => ({ payload, endorsement: { endorser: new TextEncoder().encode(channelId) } }) }) });`,
    );
    const mine = { name: 'Mine', library };
    const handlers = await loadHandlers({ authFilters: [mine], decorators: [mine, mine], endorsers: { escc: mine } }, clock);
    const inputs: unknown[] = [];
    const chaincodes = new ScriptedChaincodes(({ input }) => {
      inputs.push(input.decorations?.get('length')?.length);
      return ok();
    });
    const { endorser } = openEndorser(chaincodes, { handlers });
    const { endorsement } = await endorser.processProposal(proposal(), never);
    expect(endorsement).toEqual({ endorser: new TextEncoder().encode('ch') });
    expect(inputs).toEqual([1]);
    await expect(endorser.processProposal(proposal({ signature: new Uint8Array() }), never)).rejects.toThrow('unsigned');
  });

  it.each([
    ['a file that is not there', () => join(folder, 'absent.mjs'), /^Error opening plugin at path /],
    ['a module with an error', () => moduleOf('broken.mjs', 'export const newFilter = ('), /^Error opening plugin at path /],
    ['a module that throws', () => moduleOf('throws.mjs', 'throw new Error("at load")'), /: at load$/],
    ['no constructor', () => moduleOf('none.mjs', 'export const other = 1'), /^Filter must contain constructor with name newFilter/],
    [
      'a constructor that throws',
      () => moduleOf('late.mjs', 'export const newFilter = () => { throw new Error("no key") }'),
      /failed: no key$/,
    ],
    [
      'a constructor of something else',
      () => moduleOf('odd.mjs', 'export const newFilter = () => ({ filter() {} })'),
      /does not match expected definition/,
    ],
    ['a constructor of nothing', () => moduleOf('nil.mjs', 'export const newFilter = () => null'), /does not match expected definition/],
  ])('%s refuses to start', async (_name, path, text) => {
    const settings = { ...DEFAULT_HANDLERS, authFilters: [{ name: 'Mine', library: path() }] };
    await expect(loadHandlers(settings, clock)).rejects.toMatchObject({ code: 'SETTING_INVALID', message: expect.stringMatching(text) });
  });
});

it('filters are asked in order, the first one outermost', async () => {
  const order: string[] = [];
  const noting = (name: string) => ({
    async processProposal(...[signed, options, next]: Parameters<(typeof HANDLERS.filters)[number]['processProposal']>) {
      order.push(`${name} in`);
      const reply = await next.processProposal(signed, options);
      order.push(`${name} out`);
      return reply;
    },
  });
  const chaincodes = new ScriptedChaincodes(() => {
    order.push('run');
    return ok();
  });
  const { endorser } = openEndorser(chaincodes, { handlers: { ...HANDLERS, filters: [noting('a'), noting('b')] } });
  await endorser.processProposal(proposal(), never);
  expect(order).toEqual(['a in', 'b in', 'run', 'b out', 'a out']);
});

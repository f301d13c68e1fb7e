/** Makes the handlers that configuration names: built-in ones by name, others from a JavaScript module of the user. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Channels } from '../../channel/channel.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { type Decorator, defaultDecorator } from './decorators.ts';
import { defaultEndorsement, type EndorsementPluginFactory } from './endorsement.ts';
import { ExpirationCheck } from './expiration-check.ts';
import { type AuthFilter, defaultAuth } from './filters.ts';
import { TimeWindowCheck } from './time-window-check.ts';

/** One entry of `peer.handlers`. `library`, where not empty, is the path of an ES module; the name is then for people. */
export interface HandlerSetting {
  readonly name: string;
  readonly library?: string | undefined;
}

/** `peer.handlers` of core.yaml, as far as endorsing goes. */
export interface HandlerSettings {
  readonly authFilters: readonly HandlerSetting[];
  readonly decorators: readonly HandlerSetting[];
  /** By the name that chaincode definitions use. */
  readonly endorsers: Readonly<Record<string, HandlerSetting>>;
}

/** Fabric's sample core.yaml. */
export const DEFAULT_HANDLERS: HandlerSettings = {
  authFilters: [{ name: 'DefaultAuth' }, { name: 'ExpirationCheck' }],
  decorators: [{ name: 'DefaultDecorator' }],
  endorsers: { escc: { name: 'DefaultEndorsement' } },
};

export interface Handlers {
  readonly filters: readonly AuthFilter[];
  readonly decorators: readonly Decorator[];
  readonly endorsements: ReadonlyMap<string, EndorsementPluginFactory>;
}

export interface HandlerParts {
  readonly clock: Clock;
  readonly channels: Channels;
  /** `peer.authentication.timewindow`; 15 minutes unless told. */
  readonly timeWindowMs?: number | undefined;
}

/**
 * Makes every handler or none: a peer whose filters are not all there must not start.
 * A module exports `newFilter()`, `newDecorator()` or `newPluginFactory()`; each may return a promise.
 * @throws {SelvageError} `SETTING_INVALID` naming the handler
 */
export async function loadHandlers(
  settings: HandlerSettings,
  { clock, channels, timeWindowMs = 15 * 60_000 }: HandlerParts,
): Promise<Handlers> {
  const filterKind: Kind<AuthFilter> = {
    constructorName: 'newFilter',
    method: 'processProposal',
    builtIn: new Map<string, () => AuthFilter>([
      ['DefaultAuth', () => defaultAuth],
      ['ExpirationCheck', () => new ExpirationCheck({ clock, channels })],
      ['TimeWindowCheck', () => new TimeWindowCheck({ clock, windowMs: timeWindowMs })],
    ]),
  };
  const filters = await Promise.all(settings.authFilters.map((setting) => make(filterKind, setting)));
  const decorators = await Promise.all(settings.decorators.map((setting) => make(DECORATOR, setting)));
  const endorsements = await Promise.all(
    Object.entries(settings.endorsers).map(async ([name, setting]) => [name, await make(ENDORSEMENT, setting)] as const),
  );
  return { filters, decorators, endorsements: new Map(endorsements) };
}

/** How one kind of handler is made and recognised. */
interface Kind<T> {
  readonly constructorName: string;
  readonly method: string & keyof T;
  readonly builtIn: ReadonlyMap<string, () => T>;
}

const DECORATOR: Kind<Decorator> = {
  constructorName: 'newDecorator',
  method: 'decorate',
  builtIn: new Map([['DefaultDecorator', () => defaultDecorator]]),
};

const ENDORSEMENT: Kind<EndorsementPluginFactory> = {
  constructorName: 'newPluginFactory',
  method: 'newPlugin',
  builtIn: new Map([['DefaultEndorsement', () => defaultEndorsement]]),
};

async function make<T>(kind: Kind<T>, { name, library = '' }: HandlerSetting): Promise<T> {
  if (library !== '') return load(kind, name, library);
  const builtIn = kind.builtIn.get(name);
  if (builtIn === undefined) throw invalid(`Method ${name} isn't a method of HandlerLibrary`);
  return builtIn();
}

async function load<T>(kind: Kind<T>, name: string, library: string): Promise<T> {
  const construct = await constructorIn(library, kind.constructorName);
  let made: unknown;
  try {
    made = await construct();
  } catch (cause) {
    throw invalid(`Constructor method ${kind.constructorName} of ${name} at path ${library} failed: ${messageOf(cause)}`, cause);
  }
  if (isKind(made, kind)) return made;
  throw invalid(
    `Constructor method ${kind.constructorName} does not match expected definition: ${name} at path ${library} has no ${kind.method}()`,
  );
}

async function constructorIn(library: string, constructorName: string): Promise<() => unknown> {
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(resolve(library)).href);
  } catch (cause) {
    throw invalid(`Error opening plugin at path ${library}: ${messageOf(cause)}`, cause);
  }
  const construct = loaded[constructorName];
  if (typeof construct !== 'function') throw invalid(`Filter must contain constructor with name ${constructorName}: ${library} has none`);
  return () => construct();
}

const isKind = <T>(made: unknown, { method }: Kind<T>): made is T =>
  typeof made === 'object' && made !== null && method in made && typeof Reflect.get(made, method) === 'function';

const invalid = (message: string, cause?: unknown): SelvageError => new SelvageError('SETTING_INVALID', message, { cause });

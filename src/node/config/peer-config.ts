import { cpus } from 'node:os';
import * as v from 'valibot';
import { SelvageError } from '../../common/errors.ts';
import { configPath, type SettingSources, variableOf } from './sources.ts';

/** Everything a peer needs to know before it starts. Paths are absolute; times are in milliseconds. */
export interface PeerConfig {
  readonly id: string;
  readonly networkId: string;
  readonly listenAddress: string;
  /** Where others reach this peer. */
  readonly address: string;
  readonly chaincodeListenAddress: string;
  /** What chaincode is told to dial. */
  readonly chaincodeAddress: string;
  readonly localMspId: string;
  readonly mspConfigPath: string;
  readonly fileSystemPath: string;
  readonly authenticationWindowMs: number;
  readonly validatorPoolSize: number;
  readonly tls: TlsConfig | undefined;
  readonly handlers: HandlersConfig;
  readonly endorserConcurrency: number;
  readonly chaincode: ChaincodeConfig;
  readonly ledger: {
    readonly totalQueryLimit: number;
    /** Whose local habits the ledger has: order of history, metadata slots, configuration entry. */
    readonly release: '1.1' | '2.x';
  };
  readonly endorsement: { readonly systemVersion: string; readonly chaincodePath: boolean; readonly initStatusFails: boolean };
  /** Operations server (health, metrics), absent when not configured. */
  readonly operationsAddress: string | undefined;
  /** Fabric's log specification: a level, or `module=level:…:level`. */
  readonly logSpec: string;
}

export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  readonly rootCertFile: string;
  readonly clientAuthRequired: boolean;
  readonly clientRootFiles: readonly string[];
}

/** One auth filter, decorator or plugin: a built-in by name, or a module of the user's. */
export interface HandlerConfig {
  readonly name: string;
  /** Absolute path of a JavaScript module; '' for a built-in. */
  readonly library: string;
}

export interface HandlersConfig {
  readonly authFilters: readonly HandlerConfig[];
  readonly decorators: readonly HandlerConfig[];
  readonly endorsers: ReadonlyMap<string, HandlerConfig>;
  readonly validators: ReadonlyMap<string, HandlerConfig>;
}

export interface ChaincodeConfig {
  readonly mode: 'net' | 'dev';
  readonly startupTimeoutMs: number;
  readonly executeTimeoutMs: number;
  /** Environment that shims read: level, shim level and format of the chaincode's own log. */
  readonly logging: Readonly<Record<'level' | 'shim' | 'format', string>>;
  /** System chaincodes that are switched on. */
  readonly system: ReadonlySet<string>;
  readonly stopGraceMs: number;
  /** Where installed dependencies are kept between launches. */
  readonly cacheFolder: string;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations (`300s`, `1h30m`, `500ms`), or a bare number of nanoseconds as viper has it; milliseconds in the program. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) / 1e6;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  return parts.reduce((total, [, amount, unit]) => total + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
}

const text = (fallback: string) =>
  v.optional(
    v.pipe(
      v.nullish(v.union([v.string(), v.number(), v.boolean()])),
      v.transform((value) => (value === null || value === undefined ? fallback : String(value))),
    ),
    fallback,
  );

const duration = (fallback: string) =>
  v.pipe(
    text(fallback),
    v.transform((value) => parseDuration(value)),
    v.number('expected a number with a unit, like 30s or 1h30m'),
  );

const flag = (fallback: boolean) =>
  v.pipe(
    text(String(fallback)),
    v.transform((value) => ({ true: true, '1': true, t: true, false: false, '0': false, f: false, '': false })[value.toLowerCase()]),
    v.boolean('expected true or false'),
  );

const count = (fallback: number) =>
  v.pipe(
    text(String(fallback)),
    v.regex(/^\d+$/, 'expected a whole number'),
    v.transform((value) => Number(value)),
  );

const oneOf = <const T extends readonly string[]>(options: T, fallback: T[number]) =>
  v.pipe(text(fallback), v.picklist(options, `expected one of ${options.join(', ')}`));

const list = v.pipe(
  v.optional(v.union([v.array(v.string()), v.string(), v.null()]), []),
  v.transform((value) => (Array.isArray(value) ? value : (value ?? '').split(/[\s,]+/).filter((entry) => entry !== ''))),
);

/** A part of the tree that may be absent or empty. */
const section = <T extends v.ObjectEntries>(entries: T) =>
  v.pipe(
    v.optional(v.nullable(v.record(v.string(), v.unknown())), {}),
    v.transform((value) => value ?? {}),
    v.looseObject(entries),
  );
const file = section({ file: text('') });
const handler = v.pipe(
  v.strictObject({ name: v.string(), library: v.optional(v.nullable(v.string()), '') }),
  v.transform(({ name, library }) => ({ name, library: library ?? '' })),
);
const handlerMap = v.optional(v.record(v.string(), handler), {});

const schema = v.looseObject({
  peer: section({
    id: text('jdoe'),
    networkid: text('dev'),
    listenaddress: text('0.0.0.0:7051'),
    address: text('0.0.0.0:7051'),
    chaincodelistenaddress: text(''),
    chaincodeaddress: text(''),
    localmspid: text('SampleOrg'),
    mspconfigpath: text('msp'),
    filesystempath: text('/var/hyperledger/production'),
    validatorpoolsize: count(0),
    authentication: section({ timewindow: duration('15m') }),
    limits: section({ concurrency: section({ endorserservice: count(2500) }) }),
    tls: section({
      enabled: flag(false),
      clientauthrequired: flag(false),
      cert: file,
      key: file,
      rootcert: file,
      clientrootcas: section({ files: list }),
    }),
    handlers: section({
      authfilters: v.optional(v.array(handler), [{ name: 'DefaultAuth' }, { name: 'ExpirationCheck' }]),
      decorators: v.optional(v.array(handler), [{ name: 'DefaultDecorator' }]),
      endorsers: handlerMap,
      validators: handlerMap,
    }),
  }),
  chaincode: section({
    mode: oneOf(['net', 'dev'], 'net'),
    startuptimeout: duration('300s'),
    executetimeout: duration('30s'),
    logging: section({ level: text('info'), shim: text('warning'), format: text('') }),
    system: v.optional(v.record(v.string(), text('')), { cscc: 'enable', lscc: 'enable', escc: 'enable', vscc: 'enable', qscc: 'enable' }),
  }),
  ledger: section({
    state: section({ statedatabase: oneOf(['goleveldb', 'CouchDB', 'lmdb'], 'goleveldb'), totalquerylimit: count(100_000) }),
  }),
  operations: section({ listenaddress: text('') }),
  logging: section({ level: text(''), spec: text('') }),
  selvage: section({
    chaincodecache: text(''),
    stopgrace: duration('5s'),
    ledgerrelease: oneOf(['1.1', '2.x'], '2.x'),
    endorsement: section({ systemversion: text('syscc'), chaincodepath: flag(true), initstatus: oneOf(['fails', 'ignored'], 'fails') }),
  }),
});

/**
 * The whole configuration, or one error that lists every bad key with its path and its CORE_ variable.
 *
 * @throws {SelvageError} `SETTING_INVALID`
 */
export function parsePeerConfig({ raw, folder }: SettingSources, logSpec: string | undefined): PeerConfig {
  const parsed = v.safeParse(schema, raw);
  if (!parsed.success) throw invalid(parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`));
  const { peer, chaincode, ledger, operations, logging, selvage } = parsed.output;
  if (ledger.state.statedatabase === 'CouchDB')
    throw invalid(['ledger.state.statedatabase: CouchDB is not supported yet; leave it at goleveldb (kept in LMDB)']);
  const dataFolder = configPath(folder, peer.filesystempath);
  return {
    id: peer.id,
    networkId: peer.networkid,
    listenAddress: peer.listenaddress,
    address: peer.address,
    ...chaincodeAddresses(peer),
    localMspId: peer.localmspid,
    mspConfigPath: configPath(folder, peer.mspconfigpath),
    fileSystemPath: dataFolder,
    authenticationWindowMs: peer.authentication.timewindow,
    validatorPoolSize: peer.validatorpoolsize || cpus().length,
    tls: peer.tls.enabled ? tlsConfig(peer.tls, folder) : undefined,
    handlers: handlersConfig(peer.handlers, folder),
    endorserConcurrency: peer.limits.concurrency.endorserservice,
    chaincode: {
      mode: chaincode.mode,
      startupTimeoutMs: Math.max(chaincode.startuptimeout, 5000),
      executeTimeoutMs: chaincode.executetimeout < 1000 ? 30_000 : chaincode.executetimeout,
      logging: chaincode.logging,
      system: new Set(
        Object.entries(chaincode.system).flatMap(([name, value]) => (['enable', 'true', 'yes'].includes(value) ? [name] : [])),
      ),
      stopGraceMs: selvage.stopgrace,
      cacheFolder: selvage.chaincodecache === '' ? `${dataFolder}/chaincode-cache` : configPath(folder, selvage.chaincodecache),
    },
    ledger: { totalQueryLimit: ledger.state.totalquerylimit, release: selvage.ledgerrelease },
    endorsement: {
      systemVersion: selvage.endorsement.systemversion,
      chaincodePath: selvage.endorsement.chaincodepath,
      initStatusFails: selvage.endorsement.initstatus === 'fails',
    },
    operationsAddress: operations.listenaddress === '' ? undefined : operations.listenaddress,
    logSpec: logSpec ?? (logging.spec || logging.level || 'info'),
  };
}

const invalid = (problems: readonly string[]): SelvageError =>
  new SelvageError(
    'SETTING_INVALID',
    `the configuration is not valid:\n${problems.map((problem) => `  ${withVariable(problem)}`).join('\n')}`,
    {
      advice: 'Correct core.yaml (in FABRIC_CFG_PATH) or the CORE_ variable named above.',
    },
  );

const withVariable = (problem: string): string => {
  const [path = ''] = problem.split(':');
  return `${problem} (${variableOf(path)})`;
};

interface PeerAddresses {
  readonly address: string;
  readonly chaincodelistenaddress: string;
  readonly chaincodeaddress: string;
}

/** Which address chaincode is told. @see computeChaincodeEndpoint in hyperledger/fabric v2.5, internal/peer/node/start.go */
function chaincodeAddresses({ address, chaincodelistenaddress, chaincodeaddress }: PeerAddresses) {
  const host = hostOf(address) === '0.0.0.0' ? '127.0.0.1' : hostOf(address);
  const chaincodeListenAddress = chaincodelistenaddress === '' ? `${host}:7052` : chaincodelistenaddress;
  if (chaincodeaddress !== '') {
    if (isUnspecified(hostOf(chaincodeaddress)))
      throw invalid([`peer.chaincodeaddress: invalid endpoint for chaincode to connect: ${chaincodeaddress}`]);
    return { chaincodeListenAddress, chaincodeAddress: chaincodeaddress };
  }
  const listenHost = hostOf(chaincodeListenAddress);
  return {
    chaincodeListenAddress,
    chaincodeAddress: isUnspecified(listenHost) ? `${host}:${portOf(chaincodeListenAddress)}` : chaincodeListenAddress,
  };
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
const isUnspecified = (host: string): boolean => host === '0.0.0.0' || host === '::' || host === '';

type RawTls = v.InferOutput<typeof schema>['peer']['tls'];

function tlsConfig(tls: RawTls, folder: string): TlsConfig {
  const missing = (['cert', 'key', 'rootcert'] as const).filter((name) => tls[name].file === '');
  if (missing.length > 0) throw invalid(missing.map((name) => `peer.tls.${name}.file: TLS is on, so this file is needed`));
  return {
    certFile: configPath(folder, tls.cert.file),
    keyFile: configPath(folder, tls.key.file),
    rootCertFile: configPath(folder, tls.rootcert.file),
    clientAuthRequired: tls.clientauthrequired,
    clientRootFiles: tls.clientrootcas.files.map((path) => configPath(folder, path)),
  };
}

type RawHandlers = v.InferOutput<typeof schema>['peer']['handlers'];

function handlersConfig(handlers: RawHandlers, folder: string): HandlersConfig {
  const located = ({ name, library }: HandlerConfig): HandlerConfig => ({
    name,
    library: library === '' ? '' : configPath(folder, library),
  });
  const map = (raw: Readonly<Record<string, HandlerConfig>>) => new Map(Object.entries(raw).map(([name, each]) => [name, located(each)]));
  return {
    authFilters: handlers.authfilters.map(located),
    decorators: handlers.decorators.map(located),
    endorsers: map(handlers.endorsers),
    validators: map(handlers.validators),
  };
}

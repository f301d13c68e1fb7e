import * as v from 'valibot';
import { parseDuration } from '../../common/duration.ts';
import { IMAGE_SETTINGS } from '../../packages/platforms/image-names.ts';
import { DEFAULT_PROCESSES } from '../../runtimes/process/isolation.ts';
import { deliverySchema } from './delivery-config.ts';
import { discoveryKeys } from './discovery-config.ts';
import { gatewayKeys } from './gateway-config.ts';
import { gossipKeys } from './gossip-config.ts';
import { privateDataKeys, privateStoreKeys } from './private-data-config.ts';
import { address, count, duration, file, flag, list, oneOf, section, text, yamlList } from './schema-values.ts';
import { metricsKeys } from './statsd-config.ts';

/** Instances of one chaincode: each is a process or a container of its own. */
const replicas = (fallback: number) =>
  v.pipe(
    text(String(fallback)),
    v.regex(/^([1-9]|[1-5]\d|6[0-4])$/, 'expected a whole number from 1 to 64'),
    v.transform((value) => Number(value)),
  );

/** Cores of a machine, in fractions of no less than the kernel gives out. */
const cores = (fallback: number) =>
  v.pipe(
    text(String(fallback)),
    v.regex(/^\d+(\.\d+)?$/, 'expected a number of cores, like 2 or 0.5, or 0 for no limit'),
    v.transform((value) => Number(value)),
    v.check((value) => value === 0 || value >= 0.01, 'expected no less than 0.01 of a core, or 0 for no limit'),
  );

const handler = v.pipe(
  v.strictObject({ name: v.string('expected the name of a handler'), library: v.optional(v.nullable(v.string()), '') }),
  v.transform(({ name, library }) => ({ name, library: library ?? '' })),
);
const handlerList = (...names: readonly string[]) =>
  v.pipe(
    v.optional(v.nullable(v.array(handler, 'expected a list of handlers')), null),
    v.transform((value) => value ?? names.map((name) => ({ name, library: '' }))),
  );
const handlerMap = v.pipe(
  v.optional(v.nullable(v.record(v.string(), handler, 'expected handlers by name')), {}),
  v.transform((value) => value ?? {}),
);

const words = v.optional(v.nullable(v.array(v.string('expected names of variables'))), null);
/** Its keys in any case: those of a file are in lower case by now, those of a variable as they were written. */
const builder = v.pipe(
  v.record(v.string(), v.unknown(), 'expected a builder with name and path'),
  v.transform((entry) => Object.fromEntries(Object.entries(entry).map(([key, value]) => [key.toLowerCase(), value]))),
  v.object({
    name: v.pipe(v.string('expected the name of a builder'), v.nonEmpty('expected the name of a builder')),
    path: v.pipe(v.string('expected the folder of a builder'), v.nonEmpty('expected the folder of a builder')),
    propagateenvironment: words,
    environmentwhitelist: words, // its name until 2.2
  }),
  v.transform(({ name, path, propagateenvironment, environmentwhitelist }) => ({
    name,
    path,
    propagateEnvironment: propagateenvironment ?? environmentwhitelist ?? [],
  })),
);

/** Of one chaincode. */
const chaincodeSettings = v.pipe(
  v.nullable(v.strictObject({ replicas: v.optional(replicas(1)) }, 'expected settings of a chaincode, like replicas: 2')),
  v.transform((value) => value ?? {}),
);

const builders = v.pipe(yamlList, v.array(builder, 'expected a list of builders, each with name and path'));

/** An orderer that is reached elsewhere than the channel configuration says. */
const override = v.pipe(
  v.record(v.string(), v.unknown(), 'expected an override with from and to'),
  v.transform((entry) => Object.fromEntries(Object.entries(entry).map(([key, value]) => [key.toLowerCase(), value]))),
  v.object({ from: text(''), to: text(''), cacertsfile: text('') }),
);
const overrides = v.pipe(yamlList, v.array(override, 'expected a list of overrides, each with from and to'));

const SYSTEM_CHAINCODES = { _lifecycle: 'enable', cscc: 'enable', lscc: 'enable', escc: 'enable', vscc: 'enable', qscc: 'enable' };

/**
 * core.yaml with lower-case keys, as far as Selvage acts on it. Defaults stand next to their key and are those of Fabric's sample.
 * Of `tls` only what is on is looked at: a file that is named for later need not exist yet.
 */
export const peerSchema = v.looseObject({
  peer: section({
    id: text('jdoe'),
    networkid: text('dev'),
    listenaddress: address('0.0.0.0:7051'),
    address: address('0.0.0.0:7051'),
    addressautodetect: flag(false),
    chaincodelistenaddress: address(''),
    chaincodeaddress: address(''),
    localmspid: text('SampleOrg'),
    mspconfigpath: text('msp'),
    filesystempath: text('/var/hyperledger/production'),
    authentication: section({ timewindow: duration('15m') }),
    limits: section({ concurrency: section({ endorserservice: count(2500), deliverservice: count(2500), gatewayservice: count(500) }) }),
    gateway: section(gatewayKeys),
    discovery: section(discoveryKeys),
    gossip: section({ ...gossipKeys, pvtdata: section(privateDataKeys) }),
    tls: section({
      enabled: flag(false),
      clientauthrequired: flag(false),
      cert: file,
      key: file,
      rootcert: file,
      clientrootcas: section({ files: list }),
      clientcert: file,
      clientkey: file,
    }),
    deliveryclient: section({ addressoverrides: overrides, ...deliverySchema }),
    handlers: section({
      authfilters: handlerList('DefaultAuth', 'ExpirationCheck'),
      decorators: handlerList('DefaultDecorator'),
      endorsers: handlerMap,
    }),
  }),
  chaincode: section({
    mode: oneOf(['net', 'dev'], 'net'),
    startuptimeout: duration('300s'),
    installtimeout: duration('300s'),
    /** Empty means Fabric's 30s, or none at all while somebody may be debugging. */
    executetimeout: v.pipe(
      text(''),
      v.transform((value) => (value === '' ? null : parseDuration(value))),
      v.nullable(v.number('expected a number with a unit, like 30s or 1h30m')),
    ),
    externalbuilders: builders,
    pull: flag(false),
    builder: text(IMAGE_SETTINGS.builder),
    golang: section({ runtime: text(IMAGE_SETTINGS.golangRuntime), dynamiclink: flag(IMAGE_SETTINGS.golangDynamicLink) }),
    node: section({ runtime: text(IMAGE_SETTINGS.nodeRuntime) }),
    java: section({ runtime: text(IMAGE_SETTINGS.javaRuntime), dockerfile: text(IMAGE_SETTINGS.javaDockerfile) }),
    logging: section({ level: text('info'), shim: text('warning'), format: text('') }),
    system: v.pipe(
      v.optional(v.nullable(v.record(v.string(), text(''))), SYSTEM_CHAINCODES),
      v.transform((value) => value ?? SYSTEM_CHAINCODES),
    ),
    runtimeparams: v.optional(
      v.nullable(
        section({
          usewritebatch: flag(true),
          maxsizewritebatch: count(1000),
          usegetmultiplekeys: flag(true),
          maxsizegetmultiplekeys: count(1000),
        }),
      ),
      null,
    ),
  }),
  ledger: section({
    pvtdatastore: section(privateStoreKeys),
    state: section({
      statedatabase: v.pipe(
        oneOf(['goleveldb', 'CouchDB'], 'goleveldb'),
        v.notValue(
          'CouchDB',
          'there is no driver for a CouchDB server yet; goleveldb with selvage.richQueries: true answers the same queries, with the same indexes, from the state that the peer has itself',
        ),
      ),
      totalquerylimit: count(10_000),
      couchdbconfig: section({ internalquerylimit: count(1000) }),
    }),
  }),
  metrics: section(metricsKeys),
  operations: section({
    listenaddress: address(''),
    tls: section({
      enabled: flag(false),
      cert: file,
      key: file,
      clientauthrequired: flag(false),
      clientrootcas: section({ files: list }),
    }),
  }),
  vm: section({
    endpoint: text('unix:///var/run/docker.sock'),
    docker: section({
      tls: section({ enabled: flag(false), ca: file, cert: file, key: file }),
      attachstdout: flag(false),
      hostconfig: v.optional(v.nullable(v.record(v.string(), v.unknown(), 'expected keys and values')), {}),
    }),
  }),
  logging: section({ level: text(''), spec: text('') }),
  selvage: section({
    /** Where chaincode runs that no external builder claims. */
    runtime: oneOf(['process', 'docker'], 'process'),
    chaincodecache: text(''),
    /** Chaincode as processes: what each may take, 0 for as much as the peer, and whether a sandbox is wanted. */
    process: section({
      sandbox: oneOf(['off', 'auto', 'required'], 'auto'),
      memory: count(2 * 1024 * 1024 * 1024),
      openfiles: count(4096),
      cpus: cores(0),
      /** Processes and threads of a chaincode with all that it starts. */
      processes: count(DEFAULT_PROCESSES),
      /** Whether builds go into the sandbox too; off, they reach all that the user of the peer does. */
      sandboxbuilds: flag(true),
      /** Whether what a build downloads stays in the caches of the user's tools, where later builds trust it. */
      sharebuildcaches: flag(false),
      localtransport: flag(true),
      /** Finished builds: bytes that they may take, and how long one may be unused; 0 for no bound. */
      cachesize: count(10 * 1024 * 1024 * 1024),
      cacheunused: duration('720h'),
    }),
    /** How many instances of a chaincode run side by side, and of which another number. */
    replicas: replicas(1),
    chaincodes: v.pipe(
      v.optional(v.nullable(v.record(v.string(), chaincodeSettings, 'expected settings by the name of a chaincode')), {}),
      v.transform((value) => value ?? {}),
    ),
    stopgrace: duration('5s'),
    /** How long a version of a chaincode may be unused before another one has it stopped; empty: for ever, as in Fabric. */
    retireafter: v.pipe(
      text(''),
      v.transform((value) => (value === '' ? null : parseDuration(value))),
      v.nullable(v.number('expected a number with a unit, like 30s or 1h30m')),
    ),
    /** Into the peer's log, beside the files that it has for itself. */
    logchaincodeoutput: flag(false),
    /** Opens the inspector of Node chaincode. */
    inspectchaincode: flag(false),
    /** JSON queries, as of a peer with CouchDB, answered from the peer's own state. */
    richqueries: flag(false),
    ledgerrelease: oneOf(['1.1', '2.x'], '2.x'),
    endorsement: section({
      systemversion: text('syscc'),
      initstatus: oneOf(['fails', 'ignored'], 'fails'),
      answers: oneOf(['1.1', '2.x'], '2.x'),
    }),
  }),
});

import { chaincodeSuite, deployedTwice } from './chaincode-suite.ts';
import { without } from './tools.ts';

/** Once with blocks that are cut as Fabric cuts them, after 2 s or when they are full. */
chaincodeSuite('kv-node as a process', { open: () => deployedTwice('kv-node', { block: 'fabric' }) });
chaincodeSuite('kv-ts as a process, over gRPC', {
  open: () => deployedTwice('kv-ts', { settings: { selvage: { process: { localtransport: false, sharebuildcaches: true } } } }),
});
chaincodeSuite('kv-go as a process', { skip: await without('go'), open: () => deployedTwice('kv-go') });
chaincodeSuite('kv-java as a process', { skip: await without('java', 'mvn'), open: () => deployedTwice('kv-java') });

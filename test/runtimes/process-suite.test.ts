import { chaincodeSuite, deployedTwice } from './chaincode-suite.ts';
import { without } from './tools.ts';

chaincodeSuite('kv-node as a process', { open: () => deployedTwice('kv-node') });
chaincodeSuite('kv-ts as a process', { open: () => deployedTwice('kv-ts') });
chaincodeSuite('kv-go as a process', { skip: await without('go'), open: () => deployedTwice('kv-go') });
chaincodeSuite('kv-java as a process', { skip: await without('java', 'mvn'), open: () => deployedTwice('kv-java') });

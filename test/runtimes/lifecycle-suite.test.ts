/** The suite of the samples again, from `.tar.gz` packages by the 2.x lifecycle. */
import { chaincodeSuite, deployedTwice } from './chaincode-suite.ts';
import { without } from './tools.ts';

const packaged = (sample: string) => () => deployedTwice(sample, { format: 'tar.gz' });

chaincodeSuite('kv-node from a .tar.gz package', { open: packaged('kv-node') });
chaincodeSuite('kv-ts from a .tar.gz package', { open: packaged('kv-ts') });
chaincodeSuite('kv-go from a .tar.gz package', { skip: await without('go'), open: packaged('kv-go') });
chaincodeSuite('kv-java from a .tar.gz package', { skip: await without('java', 'mvn'), open: packaged('kv-java') });

/** How often a property is tried: as said, and many times that in `npm run test:long`. */
export const runs = (usual: number): number => usual * Number(process.env['SELVAGE_TEST_RUNS'] ?? 1);

export { commitCheckpoints } from './checkpoint-commit.ts'
export { DamagedCheckpoint, writeCheckpoint } from './checkpoint-format.ts'
export { type MergedCheckpoints, mergeCheckpoints } from './checkpoint-merge.ts'
export {
  type Checkpoint,
  findCheckpoints,
  listCheckpoints,
  openUploads,
  readCheckpoint,
} from './checkpoint-reader.ts'

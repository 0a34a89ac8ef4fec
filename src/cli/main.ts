#!/usr/bin/env node
import process from 'node:process'
import { runProgram } from './program.ts'
import { packageVersion } from './setup/package-version.ts'

// `jobferry logs … | head` ends with head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await runProgram(process.argv.slice(2), packageVersion())

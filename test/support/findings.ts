// What the doctor finds, without what it says of the tests' databases: that a superuser made the log, and that some track nothing.
import type { Finding } from '../../server/doctor/finding.ts'

/** The findings that a test is about. */
export const ofInterest = (findings: Finding[]): Finding[] =>
  findings.filter(({ code }) => code !== 'log_of_superuser' && code !== 'nothing_tracked')

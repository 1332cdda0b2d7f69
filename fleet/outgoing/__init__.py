"""What leaves the deployment by e-mail and webhook: to whom, in which words, and how. The rows are
`fleet.database.deliveries`."""

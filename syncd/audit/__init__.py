"""What auditors take home: bundles, what they prove, and reports of them."""

"""Cases: what policy officers expect of a policy, run and compared, and what of the policy they reach."""

"""Looking at the machine: facts made of recorded answers, so that machines which are not here can be tested."""

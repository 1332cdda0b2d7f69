"""Between the agent and the window, on one machine: the window can ask, and never unlock.

    window (visitor's session, no privilege)  --asks-->   door (agent)
                                              <--words--

Each knows who is at the other end from the system, not from what it says.
"""
